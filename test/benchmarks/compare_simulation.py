"""Simulated electron and photon crops against those of CMS's own simulation, called real here.

Moments, the judge's AUC, separability, overlays.

Run: python test/benchmarks/compare_simulation.py --data ../shared/data [--events N] [--output FOLDER]
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from results import add_rows

from RecoE2E.ParticleViT.commands.cli import run, say
from RecoE2E.ParticleViT.files import write_json


def reference_score(weights: Path):
    """Return the published network as a function of energies (N, 32, 32) in GeV; the time is set to 0."""
    import torch

    from RecoE2E.ParticleViT.models import build_model
    from RecoE2E.ParticleViT.models.cnn import load_reference_weights
    from RecoE2E.ParticleViT.recipe import Preprocessing
    from RecoE2E.ParticleViT.store import ChannelSpec, ImageSpec

    scaled = Preprocessing(scale=50.0, standardise=False)
    spec = ImageSpec(
        (ChannelSpec("energy", "GeV", "energy"), ChannelSpec("time", "ns", "time")), 32, 32, (16, 16)
    )
    preprocessing = {"energy": scaled, "time": scaled}
    network = build_model("reference_cnn", spec, ["photon", "electron"], preprocessing=preprocessing)
    load_reference_weights(network, weights)
    network.eval()

    def score(energy: np.ndarray) -> np.ndarray:
        images = torch.zeros(len(energy), 2, 32, 32)
        images[:, 0] = torch.from_numpy(np.ascontiguousarray(energy))
        with torch.no_grad():
            return np.concatenate([network(part)[:, 1].double().numpy() for part in images.split(4096)])

    return score


def read_real(path: Path):
    """Return the real crops of a file of energies (N, 32, 32, 1) / 50 GeV."""
    import h5py

    from RecoE2E.ParticleViT.simulation.comparison import Sample

    with h5py.File(path) as file:
        return Sample(file["X"][..., 0] * np.float32(50.0), file["y"][:].astype(int))


def compare(
    data: Path = Path("../shared/data"),
    events: int = 20000,
    seed: int = 1,
    output: Path = Path("simulation"),
    vary: bool = False,
    results: Path | None = None,
) -> None:
    """Compare the simulation with real crops; print the numbers, write them and the overlays.

    Args:
        data: folder with the real crops and the reference network's weights.
        events: number of simulated crops.
        seed: of the simulation.
        output: folder for comparison.json and the figures.
        vary: let the simulation's uncertain constants vary from event to event.
        results: CSV file that gets a row for each feature.
    """
    from RecoE2E.ParticleViT.simulation import comparison, electron_photon

    real = read_real(data / "electron_photon_cms_ecal_100.hdf5")
    crops = electron_photon.simulate(events, seed, vary)
    simulated = comparison.Sample(crops.energy, crops.label)
    score = reference_score(data / "electron_photon_reference_cnn.ckpt")
    if results is not None:
        add_rows(results, [_row(one, vary) for one in comparison.transfer(real, simulated)], 1)
    result = comparison.compare(real, simulated, score)
    write_json(output / "comparison.json", result)
    for path in comparison.draw_overlays(output, real, simulated, score):
        say(str(path))
    for name, found in result["judge_auc"].items():
        say(f"judge's AUC on {name} crops: {found[0]:.3f} +- {found[1]:.3f}")
    for kind, classifiers in result["separation_auc"].items():
        for name, found in classifiers.items():
            say(f"real from simulated {kind}s, {name}: AUC {found[0]:.3f} +- {found[1]:.3f}")
    for kind in comparison.CLASSES:
        for name, value in result["moments"]["real"][kind].items():
            say(
                f"{kind} {name}: real {value:.3g}, simulated {result['moments']['simulated'][kind][name]:.3g}"
            )


def _row(found, vary: bool) -> dict[str, str]:
    """Return a row of the table."""
    areas = {name: getattr(found, name) for name in ("simulated", "real", "without")}
    cells = {f"{name}_auc": f"{value[0]:.3f} +- {value[1]:.3f}" for name, value in areas.items()}
    pull = (areas["real"][0] - areas["simulated"][0]) / max(areas["real"][1], 1e-9)
    return {"feature": found.feature, "varied": str(vary), **cells, "pull": f"{pull:+.1f}"}


if __name__ == "__main__":
    run(compare)
