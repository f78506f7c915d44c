"""A run's scores for files of users: resumable at any moment, the same bit for bit however it was run."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, ModelError, StoreError
from ..files import atomic_path
from ..geometry.status import MEANING, Status
from ..progress import progress
from .backends import PYTHON_BACKENDS
from .friends import FORMATS, OTHER_SUFFIXES, SUFFIXES, Layout, ScoreBlock, format_of, read_info, write_scores
from .manifest import sha256, verified_file
from .prediction_units import ModelChoice, ScoreTask, count_status, read_part, run_task
from .predictors import Predictor
from .run import Run

if TYPE_CHECKING:
    from ..recipe import Recipe

FORMAT = 1  # raise it when the same inputs would give other files
UNIT_CANDIDATES = 16384
UNIT_LARGE = 2048  # where images are large
LARGE_IMAGE = 8192  # cells
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """One input file and the file of its scores."""

    path: str
    output: str
    kind: str
    """root, parquet or hdf5."""
    layout: Layout
    entries: int
    state: tuple[int, int]
    info: dict[str, Any]

    @property
    def id(self) -> str:
        """Hash of everything that decides the scores."""
        return str(self.info["id"])

    @property
    def parts(self) -> Path:
        """Folder of what is scored already; beside a local output, else in the working directory."""
        name = f".{Path(self.output).name}.{self.id}"
        return Path(name) if "://" in self.output else Path(self.output).with_name(name)

    def units(self, size: int) -> list[tuple[int, int]]:
        """Return the ranges of entries that are scored one by one."""
        return [(start, min(start + size, self.entries)) for start in range(0, self.entries, size)]

    def part(self, start: int) -> Path:
        """Return the file of the range that begins at `start`."""
        return self.parts / f"{start:012d}.npz"


@dataclass
class Result:
    """What a prediction did."""

    written: list[str] = field(default_factory=list)
    """Files of scores, in order of the inputs."""
    finished_before: int = 0
    skipped: dict[str, str] = field(default_factory=dict)
    entries: int = 0
    status: Counter[int] = field(default_factory=Counter)
    """Candidates by `geometry.status`."""

    def summary(self) -> str:
        """Return the lines that the command prints."""
        total = sum(self.status.values())
        lines = [f"{self.entries:,} entries, {total:,} candidates: {self.status[0]:,} scored"]
        lines += [
            f"{count:,} not scored: {MEANING[Status(status)]} (status {status}, score -1)"
            for status, count in sorted(self.status.items())
            if status != Status.SCORED
        ]
        lines += [f"skipped {Path(path).name}: {reason}" for path, reason in self.skipped.items()]
        if self.finished_before:
            lines.append(f"{self.finished_before:,} files had been finished before")
        return "\n".join([*lines, *(f"-> {path}" for path in self.written)])


def predict_files(
    recipe: Recipe,
    model: ModelChoice,
    files: Sequence[str],
    output: str,
    kind: str = "root",
    name: str = "particlevit",
    workers: int = 1,
    scheduler: str | None = None,
    on_error: str = "stop",
) -> Result:
    """Score all candidates of the files and write a file of scores for each.

    An interrupted prediction is continued by the same call.

    Args:
        recipe: What the files hold, and how images are made; labels are not needed.
        model: What scores.
        files: Names or glob patterns.
        output: Folder, or for a single input a file; also root://.
        kind: Format of files in a folder: root, parquet or hdf5.
        name: Name of the tree, with which all columns begin.
        workers: Processes that read and score.
        scheduler: Address of a Dask scheduler, whose workers are used instead.
        on_error: stop or skip, at a file that cannot be used.

    Raises:
        InputError: a file cannot be used.
        ModelError: the files' images are not those that the model was trained on.
        StoreError: an output exists and holds other scores, or cannot be written.
        DeploymentError, RunError: the model cannot be loaded.
    """
    from ..ingest.executor import executor
    from ..ingest.plan import expand, with_hint

    predictor = model.load()
    check_images(recipe, predictor)
    origin = model_origin(model)
    result = Result()
    jobs: list[Job] = []
    outputs = targets(expand(files), output, kind)
    for path, target in outputs.items():
        try:
            job = plan_job(path, target, recipe, name, predictor, origin)
        except InputError as error:
            if on_error == "stop":
                raise with_hint(error, len(outputs)) from error
            _skip(result, path, error)
            continue
        result.written.append(target)
        if not _is_finished(job, name, result):
            jobs.append(job)
    with executor(workers, scheduler) as run_tasks:
        _run(jobs, recipe, model, run_tasks, on_error, result)
    return result


def targets(paths: list[str], output: str, kind: str) -> dict[str, str]:
    """Return the file of scores of each input.

    Raises:
        InputError: two inputs would share one, or the ending is that of another format.
    """
    if Path(output).suffix.lower() in SUFFIXES:
        if len(paths) > 1:
            raise InputError(f"--output {output}: is one file for {len(paths)} inputs; give a folder")
        return {paths[0]: output}
    if Path(output).suffix.lower() in OTHER_SUFFIXES:
        raise InputError(f"--output {output}: give a folder, or a file that ends with {', '.join(SUFFIXES)}")
    result = {path: f"{output.rstrip('/')}/{Path(path).stem}.scores{FORMATS[kind]}" for path in paths}
    for target, count in Counter(result.values()).items():
        if count > 1:
            raise InputError(f"--output {output}: {count} inputs would be {target}; predict them apart")
    return result


def check_images(recipe: Recipe, predictor: Predictor) -> None:
    """Check that the recipe makes the images that the model was trained on.

    Raises:
        ModelError: another description; both are named.
    """
    from ..store import image_of_recipe

    differences = predictor.image.differences(image_of_recipe(recipe))
    for what, (model, files) in differences.items():
        raise ModelError(
            f"recipe '{recipe.name}': its images have the {what} {files}, the model's {model}; "
            "use the model's own recipe, with other inputs where the files need them"
        )


def model_origin(model: ModelChoice) -> dict[str, Any]:
    """Return which model it is: its file with the checksum, and what runs it."""
    run = Run(Path(model.run))
    if model.backend in PYTHON_BACKENDS:
        path, calibration = run.best_checkpoint, run.calibration_file
        extra = {"calibration_sha256": sha256(calibration)} if calibration.is_file() else {}
    else:
        path, extra = verified_file(run.manifest_file, run.manifest, model.backend), {}
    std = {"std": True} if model.std else {}
    return {"file": path.name, "sha256": sha256(path), "backend": model.backend, **extra, **std}


def plan_job(
    path: str, target: str, recipe: Recipe, name: str, predictor: Predictor, origin: dict[str, Any]
) -> Job:
    """Open one input and return what is to be done.

    Raises:
        InputError: it cannot be used.
    """
    from ..ingest.hashing import file_hash
    from ..ingest.plan import recipe_part, stat
    from ..ingest.seeds import check_seed, open_images
    from ..ingest.tables import remote

    source = open_images(path, recipe, everything=True)
    if not recipe.inputs.recentre:
        check_seed(path, source, recipe)
    if source.missing:
        logger.warning("%s: no %s", path, ", ".join(source.missing))
    part = recipe_part(recipe)
    info: dict[str, Any] = {
        "format_version": FORMAT,
        "model": origin,
        "classes": list(predictor.classes),
        "image": predictor.image.to_dict(),
        "recipe": {key: part[key] for key in ("name", "inputs", "image")},
        "input": {
            "file": Path(path).name,
            "entries": source.entries,
            "sha256": remote.identity(path) if remote.is_remote(path) else file_hash(Path(path)),
        },
        "columns": name,
    }
    info["id"] = hashlib.sha256(json.dumps(info, sort_keys=True).encode()).hexdigest()[:16]
    info["versions"] = {package: version(package) for package in ("particlevit", "numpy")}
    layout = Layout(name, tuple(predictor.classes), source.jagged, predictor.std)
    return Job(path, target, format_of(target), layout, source.entries, stat(path), info)


def _is_finished(job: Job, name: str, result: Result) -> bool:
    """Tell whether the output of a job is there already.

    Raises:
        StoreError: it is something else.
    """
    if not _exists(job.output):
        return False
    found = read_info(job.output, name)
    if found is None or found.get("id") != job.id:
        what = "something else" if found is None else "scores of another model, file or recipe"
        raise StoreError(f"{job.output}: holds {what}; remove it or choose another output")
    result.finished_before += 1
    _count(result, found)
    return True


def _run(
    jobs: list[Job], recipe: Recipe, model: ModelChoice, run_tasks: Any, on_error: str, result: Result
) -> None:
    """Score what is left of all jobs; each is written as soon as its last range is done."""
    from ..ingest.plan import with_hint

    cells = recipe.image.height * recipe.image.width * len(recipe.image.channels)
    size = UNIT_LARGE if cells > LARGE_IMAGE else UNIT_CANDIDATES
    units = {number: job.units(size) for number, job in enumerate(jobs)}
    todo = [
        ScoreTask(number, job.path, job.state, *unit, recipe, model, str(job.part(unit[0])))
        for number, job in enumerate(jobs)
        for unit in units[number]
        if not job.part(unit[0]).exists()
    ]
    left = Counter(task.job for task in todo)
    total, remaining = sum(job.entries for job in jobs), sum(task.stop - task.start for task in todo)
    for number, job in enumerate(jobs):
        if not left[number]:
            _write(job, units[number], result)
    with progress("predict", total, "entries", total - remaining) as bar:
        for task, outcome in run_tasks(run_task, todo):
            job = jobs[task.job]
            if isinstance(outcome, InputError) and on_error == "skip":
                _skip(result, job.path, outcome)
                left[task.job] = -1
            elif isinstance(outcome, Exception):
                raise with_hint(outcome, len(jobs))
            left[task.job] -= 1
            bar.update(task.stop - task.start)
            if left[task.job] == 0:
                _write(job, units[task.job], result)


def _write(job: Job, units: list[tuple[int, int]], result: Result) -> None:
    """Put the parts of a job together and remove them.

    Raises:
        InputError: they do not have the entries of the input.
        StoreError: the output cannot be written.
    """
    total: Counter[int] = Counter()
    for start, stop in units:
        block = read_part(job.part(start))
        if len(block.counts) != stop - start or block.counts.sum() != len(block.status):
            raise InputError(
                f"{job.path}: {len(block.counts)} of the entries {start} to {stop} were scored; "
                f"remove {job.parts} and run again"
            )
        total += count_status(block)
    candidates = {str(status): count for status, count in sorted(total.items())}
    job = replace(job, info={**job.info, "entries": job.entries, "status": candidates})

    def blocks() -> Iterator[ScoreBlock]:
        for start, _ in units:
            yield read_part(job.part(start))

    try:
        if "://" in job.output:
            local = job.parts / f"scores{FORMATS[job.kind]}"
            write_scores(local, job.kind, job.layout, blocks(), job.info)
            _upload(local, job.output)
        else:
            with atomic_path(job.output) as partial:
                write_scores(partial, job.kind, job.layout, blocks(), job.info)
    except OSError as error:
        raise StoreError(f"{job.output}: cannot be written ({error.strerror or error}); make room") from error
    shutil.rmtree(job.parts, ignore_errors=True)
    _count(result, job.info)


def _count(result: Result, info: dict[str, Any]) -> None:
    result.entries += int(info["entries"])
    result.status.update({int(status): int(count) for status, count in info["status"].items()})


def _skip(result: Result, path: str, error: InputError) -> None:
    if path not in result.skipped:
        logger.warning("skipped: %s", error)
    result.skipped[path] = str(error)


def _exists(path: str) -> bool:
    from ..ingest.tables import remote

    if not remote.is_remote(path):
        return Path(path).exists()
    system, name = remote.filesystem(path)
    return remote.retry(path, lambda: bool(system.exists(name)))


def _upload(local: Path, target: str) -> None:
    """Copy a file to a server, where it appears whole or not at all."""
    from ..ingest.tables import remote

    system, name = remote.filesystem(target)

    def copy() -> None:
        system.makedirs(name.rpartition("/")[0], exist_ok=True)
        with local.open("rb") as source, system.open(f"{name}.partial", "wb") as copied:
            shutil.copyfileobj(source, copied, 1 << 20)
        system.mv(f"{name}.partial", name)

    remote.retry(target, copy)
