"""Pictures of real collisions beside simulated ones: mean images, seed times, occupancy, spectra.

Run: python test/benchmarks/real_events.py --data ../shared/data [--events N] [--output FOLDER]
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from results import add_rows

from RecoE2E.ParticleViT.commands.cli import run, say
from RecoE2E.ParticleViT.exploration.page import write_page
from RecoE2E.ParticleViT.exploration.reading import Data, FileRead
from RecoE2E.ParticleViT.exploration.statistics import Chunk
from RecoE2E.ParticleViT.exploration.survey import Survey, take_survey
from RecoE2E.ParticleViT.ingest.sources.dispatch import open_source
from RecoE2E.ParticleViT.recipe import Recipe, load_recipe
from RecoE2E.ParticleViT.simulation import electron_photon, quark_gluon
from RecoE2E.ParticleViT.store import SparseImages, image_of_recipe

NOTE = (
    "Real: event-display files of 2012, one of them CMS's own simulation of H to 4 leptons. Simulated: ours."
)


def real_chunks(recipe: Recipe, data: Path) -> Iterator[Chunk]:
    """Yield the images of all event-display files; label 2 k for class k."""
    for path in sorted(data.glob("*.ig")):
        source = open_source(str(path), recipe)
        for step in source.steps(0, source.entries):
            events = source.read(*step)
            yield Chunk(events.images, events.labels * 2, events.columns, "real")


def crop_chunks(events: int) -> Iterator[Chunk]:
    """Yield simulated crops; label 2 k + 1 for class k."""
    for crops in electron_photon.chunks(events, 1):
        images = SparseImages.from_dense(np.stack([crops.energy, crops.time], axis=1))
        columns = {name: getattr(crops, name).astype(np.float32) for name in electron_photon.COLUMNS}
        yield Chunk(images, crops.label * 2 + 1, columns, "simulated")


def jet_chunks(jets: int) -> Iterator[Chunk]:
    """Yield simulated jets, quarks and gluons alike; label 1."""
    for collisions in quark_gluon.chunks(jets, 1):
        images = SparseImages.from_dense(quark_gluon.crops(collisions))
        columns = {"pt": collisions.jets.pt.astype(np.float32)}
        yield Chunk(images, np.ones(len(images), np.int64), columns, "simulated")


def survey(title: str, recipe: Recipe, classes: list[str], chunks: list[Iterator[Chunk]]) -> Survey:
    """Return what one pass over all chunks tells."""
    every = (chunk for some in chunks for chunk in some)
    files = [FileRead(name, 0) for name in ("real", "simulated")]
    return take_survey(Data(title, image_of_recipe(recipe), classes, False, files, every, notes=[NOTE]))


def numbers(found: Survey) -> list[dict[str, str | int]]:
    """Return median and 5 to 95 % quantiles of occupancies, seed times and pT, class by class."""
    names = [n for n in found.features.values if n.startswith(("cells_", "seed_t")) or n == "pt"]
    rows: list[dict[str, str | int]] = []
    for number, name in enumerate(found.classes):
        for feature in names:
            low, middle, high = np.nanpercentile(found.features.values[feature][number], [5, 50, 95])
            rows.append(
                {
                    "images_of": name,
                    "images": found.features.seen[number],
                    "quantity": feature,
                    "median": f"{middle:.3g}",
                    "quantile_05": f"{low:.3g}",
                    "quantile_95": f"{high:.3g}",
                }
            )
    return rows


def compare(
    data: Path = Path("../shared/data"),
    events: int = 2000,
    jets: int = 400,
    output: Path = Path("real_events"),
    results: Path | None = None,
) -> None:
    """Draw real and simulated images side by side, and print what can be put in numbers.

    Args:
        data: folder with event-display files.
        events: simulated crops.
        jets: simulated jets; 0 for none.
        output: folder of the two pages.
        results: CSV file that gets the numbers.
    """
    crops = load_recipe("electron_photon_ispy")
    classes = [f"{kind} {name}" for name in crops.classes for kind in ("real", "simulated")]
    found = survey(
        "Crops of real and simulated photons and electrons",
        crops,
        classes,
        [real_chunks(crops, data), crop_chunks(events)],
    )
    say(str(write_page(found, output / "crops")))
    rows = numbers(found)
    if jets:
        recipe = load_recipe("jets_ispy")
        found = survey(
            "Real and simulated jets", recipe, ["real jet", "simulated jet"],
            [real_chunks(recipe, data), jet_chunks(jets)],
        )  # fmt: skip
        say(str(write_page(found, output / "jets")))
        rows += numbers(found)
    for row in rows:
        say("{images_of}: {quantity} {median} ({quantile_05} to {quantile_95})".format_map(row))
    if results is not None:
        add_rows(results, rows, 1)


if __name__ == "__main__":
    run(compare)
