"""Make one run folder out of several: an ensemble that is evaluated, exported and validated like any run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from ..errors import ModelError, RunError
from ..files import atomic_path
from ..models import Ensemble, Network
from ..run_folder import RunFolder
from .checkpoint import CheckpointInfo, load_network, save_whole
from .history import COLUMNS, read_history, write_history


def make_ensemble(runs: Sequence[Path], run: Path, mean: str = "probabilities") -> None:
    """Write the run folder `run`, whose network is the mean of the best networks of `runs`.

    recipe.yaml is that of the first run; history.csv holds means over the runs of the epochs that all have.
    An ensemble of the same members that is there already is left as it is.

    Raises:
        ModelError: a run has no readable checkpoint, is an ensemble itself, or has other images or classes.
        RunError: `run` is another run already, or a member has no history.
    """
    networks: list[Network] = []
    members: list[CheckpointInfo] = []
    for member in runs:
        network, info = load_network(RunFolder(member).best_checkpoint)
        if not isinstance(network, Network):
            raise ModelError(f"{member}: is an ensemble itself; name its members")
        networks.append(network)
        members.append(info)
    ensemble = Ensemble(networks, mean)
    folder = RunFolder(run)
    if folder.recipe_file.exists():
        _check_same(run, ensemble)
        return
    content = {
        "state_dict": {f"network.{key}": value for key, value in ensemble.state_dict().items()},
        "hyper_parameters": replace(members[0], members=tuple(members), mean=mean).to_plain(),
    }
    save_whole(content, folder.best_checkpoint)
    histories = [read_history(RunFolder(member).history_file) for member in runs]
    write_history(folder.history_file, mean_history(histories))
    with atomic_path(folder.recipe_file) as partial:
        partial.write_text(RunFolder(runs[0]).recipe_file.read_text(encoding="utf-8"), encoding="utf-8")


def _check_same(run: Path, ensemble: Ensemble) -> None:
    """Refuse a folder that is not that ensemble."""
    there, _ = load_network(RunFolder(run).best_checkpoint)
    mine, theirs = ensemble.state_dict(), there.state_dict()
    same = there.options == ensemble.options and mine.keys() == theirs.keys()
    if not same or not all(torch.equal(mine[key], theirs[key]) for key in mine):
        raise RunError(f"{run}: is another run already; give another folder for the ensemble")


def mean_history(histories: Sequence[list[dict[str, float]]]) -> list[dict[str, float]]:
    """Return the means over runs of each epoch that all have; `seconds` are added up."""
    rows = []
    for epochs in zip(*histories, strict=False):
        row = {key: sum(epoch[key] for epoch in epochs) / len(epochs) for key in COLUMNS}
        rows.append({**row, "seconds": sum(epoch["seconds"] for epoch in epochs)})
    return rows
