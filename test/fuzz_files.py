"""What fuzz.py works on: inputs, a store, a run, a study and scores, made by the commands themselves."""

from __future__ import annotations

import contextlib
import shutil
import warnings
from importlib import import_module
from pathlib import Path

from make_jets import SMALL, make_jets, write_root

FOLDER = "work"
TINY = ("--training.max_epochs", "1", "--training.limit", "64", "--training.threads", "1")
STUDY = ("--trials", "1")


def make_files(folder: Path) -> None:
    """Make the folders `good` and, with the main files, `other` of another seed.

    Both are made as FOLDER/work, so that a copy there is in order, whatever paths the files name.
    """
    import yaml

    from RecoE2E.ParticleViT.recipe import load_recipe, recipe_yaml

    warnings.simplefilter("ignore")
    work = folder / FOLDER
    for name, seed in (("other", 2), ("good", 1)):
        shutil.rmtree(work, ignore_errors=True)
        (work / "inputs").mkdir(parents=True)
        recipe = load_recipe("top_tagging", {**SMALL, "training.seed": seed})
        (work / "jets.yaml").write_text(recipe_yaml(recipe))
        space = {"training.learning_rate": {"low": 1e-3, "high": 1e-2, "log": True}}
        (work / "space.yaml").write_text(yaml.safe_dump(space))
        make_inputs(work / "inputs", seed)
        for verb, words in chain(work):
            if name == "good" or verb in ("ingest", "train", "export", "predict"):
                run(verb, words)
        begin(work)
        shutil.rmtree(folder / name, ignore_errors=True)
        work.rename(folder / name)


def run(verb: str, words: tuple[object, ...]) -> None:
    """Run a command in this process."""
    import_module(f"RecoE2E.ParticleViT.commands.{verb}").main(list(map(str, words)))


def begin(work: Path) -> None:
    """Leave an ingest and a prediction behind that were stopped by Ctrl-C before their last step."""
    from RecoE2E.ParticleViT.inference import prediction
    from RecoE2E.ParticleViT.ingest import pipeline

    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    for (verb, words), module, step in zip(
        begun(work), (pipeline, prediction), ("_run_merges", "_write"), strict=True
    ):
        kept = getattr(module, step)
        setattr(module, step, stop)
        with contextlib.suppress(SystemExit):
            run(verb, words)
        setattr(module, step, kept)


def make_inputs(folder: Path, seed: int) -> None:
    """Write the same jets to ROOT and Parquet, and images to HDF5 and NumPy."""
    import awkward as ak
    import h5py
    import numpy as np

    columns = make_jets(400, seed)
    write_root(folder / "jets.root", columns)
    ak.to_parquet(ak.Array(columns), folder / "jets.parquet")
    images = np.random.default_rng(seed).exponential(1, (40, 16, 16, 1)).astype(np.float32)
    np.save(folder / "images.npy", images)
    with h5py.File(folder / "images.h5", "w") as file:
        file["X"], file["y"] = images, np.arange(40) % 2


def chain(work: Path) -> list[tuple[str, tuple[object, ...]]]:
    """Return the command lines that make store, run, study and scores."""
    store, run, recipe = work / "store", work / "run", ("--recipe", work / "jets.yaml")
    jets = ("--files", work / "inputs/jets.root")
    return [
        ("ingest", (*recipe, *jets, "--output", store)),
        ("train", (*recipe, "--store", store, "--run", run)),
        ("export", ("--run", run)),
        ("validate", ("--run", run)),
        ("benchmark", ("--runs", run)),
        ("robustness", ("--runs", run)),
        ("tune", (*recipe, "--store", store, "--output", work / "study", *STUDY, *TINY)),
        ("predict", ("--run", run, *jets, "--output", work / "scores")),
    ]


def begun(work: Path) -> list[tuple[str, tuple[object, ...]]]:
    """Return the command lines that `begin` stops."""
    jets = ("--files", work / "inputs/jets.root")
    return [
        ("ingest", ("--recipe", work / "jets.yaml", *jets, "--output", work / "begun_store")),
        ("predict", ("--run", work / "run", *jets, "--output", work / "begun_scores")),
    ]
