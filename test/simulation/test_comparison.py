from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from RecoE2E.ParticleViT.simulation import comparison, electron_photon

BENCHMARK = Path(__file__).resolve().parent.parent / "benchmarks" / "compare_simulation.py"


@pytest.fixture(scope="module")
def report(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    folder = tmp_path_factory.mktemp("comparison")
    command = [sys.executable, BENCHMARK, "--data", shared_data, "--events", 12000, "--output", folder]
    subprocess.run([str(word) for word in command], check=True, capture_output=True)
    assert len(list(folder.glob("*.png"))) == len(comparison.DRAWN) + 1
    return json.loads((folder / "comparison.json").read_text())


def test_network_trained_on_real_crops_believes_the_simulation(report: dict):
    value, error = report["judge_auc"]["simulated"]
    assert 0.75 < value < 0.81
    assert error < 0.006


@pytest.mark.parametrize("kind", comparison.CLASSES)
def test_real_and_simulated_crops_are_hard_to_separate(report: dict, kind: str):
    for name, (value, _) in report["separation_auc"][kind].items():
        assert value < 0.75, name


@pytest.mark.parametrize("kind", comparison.CLASSES)
@pytest.mark.parametrize(
    ("name", "tolerance"),
    # twice the statistical error of the 44 photons and 56 electrons
    [
        ("sum", 0.06), ("crystals", 0.09), ("peak", 0.10), ("peak_fraction", 0.08), ("crystals_std", 0.25),
        ("width_eta", 0.08), ("width_phi", 0.20),
    ],
)  # fmt: skip
def test_moments_agree(report: dict, kind: str, name: str, tolerance: float):
    moments = report["moments"]
    assert moments["simulated"][kind][name] == pytest.approx(moments["real"][kind][name], rel=tolerance)


def test_features_of_a_known_image():
    image = np.zeros((1, 32, 32), np.float32)
    image[0, 16, 16], image[0, 16, 18], image[0, 20, 16] = 6.0, 3.0, 1.0
    found = {name: values[0] for name, values in comparison.features(image).items()}
    assert found["sum"] == 10
    assert found["crystals"] == 3
    assert found["peak_fraction"] == pytest.approx(0.6)
    assert found["second_fraction"] == pytest.approx(0.3)
    assert found["r9"] == pytest.approx(0.6)
    assert found["r25"] == pytest.approx(0.9)
    assert found["energy_outside"] == 1
    assert found["mean_phi"] == pytest.approx(0.6)
    assert found["width_phi"] == pytest.approx(np.sqrt(1.2))
    assert found["width_eta"] == pytest.approx(np.sqrt(1.6))
    assert found["inner_width_eta"] == 0


def test_separation_sees_a_difference_and_only_that():
    crops = electron_photon.simulate(900, seed=8)
    photons = crops.energy[crops.label == 0]
    same = comparison.separation(photons[:60], photons[60:])
    louder = comparison.separation(photons[:60] * np.float32(1.5), photons[60:])
    assert all(value < 0.7 for value, _ in same.values())
    assert louder["boosted_trees"][0] > 0.85


def test_transfer_names_the_feature_that_misleads():
    crops, others = (electron_photon.simulate(number, seed) for number, seed in ((3000, 8), (600, 9)))
    simulated, real = (comparison.Sample(one.energy, one.label) for one in (crops, others))
    shifted = comparison.Sample(real.energy * (1 + 0.3 * real.label[:, None, None]).astype("f4"), real.label)
    found = {one.feature: one for one in comparison.transfer(simulated=simulated, real=shifted)}
    value, error = found["all"].simulated
    assert value > 0.65 > 10 * error
    assert found["sum"].real[0] > 0.8 > found["sum"].simulated[0] + 0.2
    assert found["width_phi"].real[0] == pytest.approx(found["width_phi"].simulated[0], abs=0.1)
