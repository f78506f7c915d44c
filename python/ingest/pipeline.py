"""Files of users become a store: resumable at any moment, the same bit for bit however it was run."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import h5py
import numpy as np

from ..errors import InputError, StoreError
from ..files import LOCK, locked, read_json, unwritable, write_json
from ..progress import progress
from ..recipe import Recipe
from ..store import SPLITS, InputInfo, ShardInfo, SplitInfo, StoreInfo, image_of_recipe
from ..store.schema import SCHEMA_VERSION, SHARD_FOLDER, STORE_FILE, read_info
from .domain import with_domain
from .executor import RunTasks, executor
from .labels import example_labels
from .plan import Plan, Sizes, make_plan, plan_dict, recipe_part, with_hint
from .stages import (
    PROBLEMS,
    MergeTask,
    UnitTask,
    count_selected,
    is_finished,
    run_merge,
    run_unit,
    unit_tasks,
)
from .tables.temporary import TemporaryError

PARTS = ".parts"
PLAN = "plan.json"
SHARDS_AT_ONCE = 2
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Result:
    """What an ingest did."""

    path: Path
    info: StoreInfo
    finished_before: bool
    entries: int
    """Entries read now; less than all after a resume."""
    seconds: float

    def summary(self) -> str:
        """Return the lines that the command prints."""
        if self.finished_before:
            return f"{self.path}: this store is already finished; nothing to do"
        lines = []
        for name, split in self.info.splits.items():
            classes = ", ".join(f"{count:,} {label}" for label, count in split.per_class.items())
            lines.append(f"{name}: {split.events:,} events ({classes or 'no labels'})")
        left = sum(file.entries - file.selected for file in self.info.inputs)
        if left > 0:
            lines.append(f"{left:,} entries were not selected (no class, or nothing to draw)")
        lines += [f"skipped {entry['file']}: {entry['reason']}" for entry in self.info.skipped]
        rate = self.entries / max(self.seconds, 1e-9)
        lines.append(f"{self.entries:,} entries in {self.seconds:.1f} s ({rate:,.0f}/s) -> {self.path}")
        return "\n".join(lines)


def ingest_files(
    recipe: Recipe,
    output: Path,
    files: str | Sequence[str] = (),
    test_files: str | Sequence[str] = (),
    workers: int = 1,
    scheduler: str | None = None,
    on_error: str = "stop",
    sizes: Sizes | None = None,
) -> Result:
    """Make the store `output` from `files` (split by hash) and `test_files`, each a pattern or several.

    An interrupted ingest is continued by the same call. Files that cannot be used stop it, or are skipped and
    listed in store.json, as `on_error` says.

    Raises:
        InputError: a file cannot be used; or no event, or a single class, was selected.
        StoreError: the folder holds something else.
        OutputError: another ingest runs in it, or the disk is full.
    """
    begin = time.monotonic()
    plan = make_plan(recipe, _several(files), _several(test_files), on_error, sizes)
    created = not output.exists()
    try:
        with locked(output, "ingest"):
            if _is_finished(output, plan):
                return Result(output, read_info(output), True, 0, time.monotonic() - begin)
            try:
                entries = _run(plan, output, workers, scheduler, on_error)
            except InputError as error:
                if not isinstance(error, TemporaryError):
                    _clean(output)  # nothing half-written; another input makes another store
                raise
    except InputError:
        if created and output.is_dir() and not any(output.iterdir()):
            output.rmdir()
        raise
    except OSError as error:
        raise unwritable(output, error) from error
    return Result(output, read_info(output), False, entries, time.monotonic() - begin)


def _several(patterns: str | Sequence[str]) -> Sequence[str]:
    return [patterns] if isinstance(patterns, str) else patterns


def _is_finished(output: Path, plan: Plan) -> bool:
    """Check what the folder holds; a finished store of this plan, or nothing but its beginning, is welcome.

    Raises:
        StoreError: it holds something else.
    """
    advice = "remove it or choose another folder"
    if (output / STORE_FILE).exists():
        if read_info(output).id != plan.id:
            raise StoreError(f"{output}: holds a store of another recipe or other inputs; {advice}")
        shutil.rmtree(output / PARTS, ignore_errors=True)
        return True
    if (output / PARTS / PLAN).exists():
        if _begun_plan(output / PARTS / PLAN) != plan.id:
            raise StoreError(
                f"{output}: holds an unfinished ingest of another recipe or other inputs; {advice}"
            )
        return False
    foreign = sorted({path.name for path in output.iterdir()} - {LOCK, PARTS})
    if foreign:
        raise StoreError(f"{output}: holds other files ({foreign[0]}, ...); {advice}")
    return False


def _begun_plan(path: Path) -> str:
    """Return the hash of the plan that an unfinished ingest follows.

    Raises:
        StoreError: its file was damaged.
    """
    try:
        return str(read_json(path)["id"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        reason = " ".join(str(error).split())
        raise StoreError(f"{path}: damaged ({reason}); remove {path.parent} and ingest again") from error


def _run(plan: Plan, output: Path, workers: int, scheduler: str | None, on_error: str) -> int:
    """Do what is left of both stages and write store.json. Returns the entries read."""
    parts, shards = output / PARTS, output / SHARD_FOLDER
    parts.mkdir(exist_ok=True)
    for folder in (parts, shards):
        for leftover in folder.glob(".*"):  # of a killed process
            leftover.unlink()
    write_json(parts / PLAN, plan_dict(plan))
    with executor(workers, scheduler) as run_tasks:
        entries, failed = _run_units(plan, parts, run_tasks, on_error)
        targets, selected = _run_merges(plan, output, run_tasks, failed)
    left_out = _left_out(plan, parts, failed)
    write_json(output / STORE_FILE, _info(plan, output, targets, selected, left_out).to_dict())
    shutil.rmtree(parts)
    return entries


def _run_units(plan: Plan, parts: Path, run_tasks: RunTasks, on_error: str) -> tuple[int, dict[str, str]]:
    """Run stage one where parts are missing. Returns the entries read and why files had to be skipped."""
    tasks = unit_tasks(plan, parts)
    todo = [task for task in tasks if not is_finished(parts / task.unit.file, parts)]
    total = sum(file.entries for file in plan.inputs)
    left = sum(task.unit.stop - task.unit.start for task in todo)
    failed: dict[str, str] = {}
    entries = 0
    with progress("ingest", total, "entries", total - left) as bar:
        for task, outcome in run_tasks(run_unit, todo):
            if isinstance(outcome, InputError) and on_error == "skip":
                _note_failure(failed, task, outcome)
            elif isinstance(outcome, Exception):
                raise with_hint(outcome, len(plan.inputs))
            else:
                entries += outcome
            bar.update(task.unit.stop - task.unit.start)
    return entries, failed


def _run_merges(
    plan: Plan, output: Path, run_tasks: RunTasks, failed: dict[str, str]
) -> tuple[dict[tuple[str, int], Path], dict[int, int]]:
    """Run stage two where shards are missing. Returns the file of each group, the events of each input."""
    parts, shards = output / PARTS, output / SHARD_FOLDER
    tasks = [task for task in unit_tasks(plan, parts) if task.file.path not in failed]
    files = [parts / task.unit.file for task in tasks]
    selected = _check_selected(plan, files, failed)
    targets = {group: shards / f"{group[0]}-{group[1]:05d}.h5" for group in plan.groups}
    merges = _merge_tasks([str(target) for target in targets.values()], files, str(parts))
    merges = [task for task in merges if not all(is_finished(Path(one), parts) for one in task.targets)]
    with progress("shuffling", len(merges), "parts") as bar:
        for _, outcome in run_tasks(run_merge, merges):
            if isinstance(outcome, Exception):
                raise outcome
            bar.update()
    return targets, selected


def _note_failure(failed: dict[str, str], task: UnitTask, error: InputError) -> None:
    if task.file.path not in failed:
        logger.warning("skipped: %s", error)
    failed[task.file.path] = min(str(error), failed.get(task.file.path, str(error)))


def _check_selected(plan: Plan, parts: list[Path], failed: dict[str, str]) -> dict[int, int]:
    """Return the selected events by number of the input.

    Raises:
        InputError: no event, or a single class, where a split is filled.
    """
    classes = plan.recipe.classes
    sources, table = count_selected(parts, len(classes))
    for fixed in (None, "test"):
        members = [i for i, file in enumerate(plan.inputs) if file.split == fixed and file.path not in failed]
        what = "test files" if fixed else "files"
        counts = table[np.isin(sources, members)].sum(axis=0)
        needed = 1 if plan.recipe.inputs.label.unlabelled else 2
        if any(file.split == fixed for file in plan.inputs) and (counts > 0).sum() < needed:
            seen = [name for name, count in zip(classes, counts, strict=True) if count]
            found = f"only events of class '{seen[0]}'" if seen else "no selected event"
            labels = example_labels(plan.inputs[members[0]].path, plan.recipe) if members else []
            known = f" (labels of the first: {', '.join(labels[:20])})" if labels else ""
            raise InputError(
                f"the {len(members)} {what} hold {found}{known}, expected {', '.join(classes)}; "
                "check inputs.label and the files"
            )
    return dict(zip(sources.tolist(), table.sum(axis=1).tolist(), strict=True))


def _left_out(plan: Plan, parts: Path, failed: dict[str, str]) -> list[dict[str, str]]:
    """Return the files and the entries that were left out, and why."""
    found = [{"file": Path(path).name, "reason": failed[path]} for path in sorted(failed)]
    for unit in plan.units():
        file = parts / Path(unit.file).with_suffix(PROBLEMS)
        if file.exists() and plan.inputs[unit.source].path not in failed:
            reasons = read_json(file)
            found += [
                {"file": plan.inputs[unit.source].name, "reason": reason} for reason in reasons.values()
            ]
    return found


def _merge_tasks(targets: list[str], parts: list[Path], folder: str) -> list[MergeTask]:
    names = [str(part) for part in parts]
    return [
        MergeTask(first, targets[first : first + SHARDS_AT_ONCE], names, folder)
        for first in range(0, len(targets), SHARDS_AT_ONCE)
    ]


def _info(
    plan: Plan,
    output: Path,
    targets: dict[tuple[str, int], Path],
    selected: dict[int, int],
    left_out: list[dict[str, str]],
) -> StoreInfo:
    """Return what store.json will say, with the domain that the training events cover."""
    recipe = plan.recipe
    classes = recipe.classes
    splits: dict[str, SplitInfo] = {}
    columns: set[str] = set()
    for split in (name for name in SPLITS if name in plan.shards):
        shards, counts, events = [], np.zeros(len(classes), np.int64), 0
        for (name, _), path in targets.items():
            if name == split and path.exists():
                with h5py.File(path, "r") as file:
                    labels = file["label"][:]
                    columns |= set(file["columns"])
                counts += np.bincount(labels[labels >= 0], minlength=len(classes))
                events += len(labels)
                shards.append(ShardInfo.of(output, path, len(labels)))
        unlabelled = recipe.inputs.label.unlabelled
        per_class = {} if unlabelled else dict(zip(classes, counts.tolist(), strict=True))
        splits[split] = SplitInfo(events, per_class, tuple(shards))
    used = [
        InputInfo(file.name, file.sha256, file.bytes, file.entries, selected.get(number, 0), file.split)
        for number, file in enumerate(plan.inputs)
    ]
    training = [path for (split, _), path in targets.items() if split == "train" and path.exists()]
    return StoreInfo(
        id=plan.id,
        name=recipe.name,
        image=with_domain(image_of_recipe(recipe), training),
        classes=tuple(classes),
        columns=tuple(sorted(columns)),
        split=asdict(recipe.split),
        splits=splits,
        inputs=tuple(used),
        skipped=(*plan.skipped, *left_out),
        recipe=recipe_part(recipe),
        versions={name: version(name) for name in ("particlevit", "numpy", "h5py", "uproot", "pyarrow")},
        schema_version=SCHEMA_VERSION,
    )


def _clean(output: Path) -> None:
    """Remove what an ingest has written so far."""
    shutil.rmtree(output / PARTS, ignore_errors=True)
    shutil.rmtree(output / SHARD_FOLDER, ignore_errors=True)
