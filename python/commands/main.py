"""`particlevit VERB`: all commands under one name, for where `scripts/` is not on PATH."""

from __future__ import annotations

import importlib
import sys

from ..errors import RecipeError, suggest
from . import cli
from .session import fail

VERBS = {
    "simulate": "simulate detector images from first principles",
    "recipe": "draft a recipe from a file",
    "ingest": "turn input files into a store of images",
    "workers": "start Dask workers as jobs of a batch system",
    "explore": "look at files or a store before training",
    "pretrain": "let a network learn from events without labels",
    "train": "train a network from a store, or run the whole chain on simulated events",
    "compare": "train several models, on one or several numbers of events, and compare them",
    "ensemble": "make one run of several",
    "learning_rate": "look for a good learning rate",
    "tune": "search for better values of recipe fields",
    "evaluate": "AUC with its error, background rejection, figures",
    "robustness": "AUC under noise, dead cells and other disturbances",
    "uncertainty": "events unlike those of the training, and the spread of an ensemble",
    "explain": "maps of what a network looks at, and which of them can be trusted",
    "report": "the page and the model card of a run, from what is in its folder",
    "predict": "score files: a friend tree, Parquet or HDF5",
    "benchmark": "measure what models cost",
    "export": "write TorchScript and ONNX",
    "validate": "prove that the exports give the network's answers",
}
"""Each verb is a module of this folder with a function `main`, and a file of scripts/."""


def main() -> None:
    """Run the verb that the first word names, with the other words as its options."""
    words = sys.argv[1:]
    if not words or words[0] in ("-h", "--help"):
        cli.say(usage())
        return
    if words[0] in ("-V", "--version"):
        cli.say(versions())
        return
    verb, rest = words[0], words[1:]
    if verb not in VERBS:
        error = RecipeError(f"unknown command '{verb}'; {suggest(verb, VERBS)} (see particlevit --help)")
        sys.exit(fail(error))
    sys.argv = [f"particlevit {verb}", *rest]
    importlib.import_module(f"{__package__}.{verb}").main(rest)


def versions() -> str:
    """Return what `particlevit --version` says: this package's, and those that results depend on."""
    return "\n".join(f"{name} {_version(name)}" for name in ("particlevit", "torch", "onnxruntime", "uproot"))


def _version(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:  # in CMSSW this package is not a distribution
        return "is not installed by pip"


def usage() -> str:
    """Return what `particlevit --help` says."""
    lines = [f"  {verb:<14}{what}" for verb, what in VERBS.items()]
    return "\n".join(
        [
            "usage: particlevit COMMAND [options]",
            "",
            *lines,
            "",
            "COMMAND --help explains it; --version says the versions.",
        ]
    )
