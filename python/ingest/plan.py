"""What an ingest will do: which files, in which units, into how many shards; and a fingerprint of it all."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from glob import iglob
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import InputError, RecipeError, suggest
from ..recipe import Recipe, recipe_dict
from ..store import SPLITS, image_of_recipe
from .hashing import file_hash
from .seeds import check_seed, open_images
from .tables import remote
from .tables.base import ENDINGS

FORMAT = 2  # part of the fingerprint: raise it when the same inputs would give another store
LARGE_IMAGE = 8192  # cells
ON_ERROR = ("stop", "skip")
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class InputFile:
    """One input; `split` fixes its split, None: by hash."""

    path: str
    sha256: str
    bytes: int
    mtime_ns: int
    entries: int
    split: str | None

    @property
    def name(self) -> str:
        """The base name, which identifies the file in hashes."""
        return Path(self.path).name


@dataclass(frozen=True)
class Unit:
    """A range of entries of input number `source`: the smallest piece of work."""

    source: int
    start: int
    stop: int

    @property
    def file(self) -> str:
        """Name of the part that holds the unit's events."""
        return f"{self.source:05d}-{self.start:012d}.h5"


class Sizes(NamedTuple):
    """How much is done at a time; it does not change the events of the store."""

    unit_entries: int
    """Entries that one task reads."""
    shard_events: int
    """Events that one shard is expected to hold."""


SMALL_IMAGES, LARGE_IMAGES = Sizes(16384, 32768), Sizes(4096, 8192)


@dataclass(frozen=True)
class Plan:
    """All that decides what the store will hold."""

    recipe: Recipe
    inputs: tuple[InputFile, ...]
    skipped: tuple[dict[str, str], ...]
    shards: dict[str, int]
    """Shards of each split that can get events."""
    id: str
    unit_entries: int

    @property
    def groups(self) -> list[tuple[str, int]]:
        """Every (split, shard), in the order of the store."""
        return [(split, shard) for split in SPLITS for shard in range(self.shards.get(split, 0))]

    def units(self) -> list[Unit]:
        """Return the pieces of work, file after file."""
        step = self.unit_entries
        return [
            Unit(source, start, min(start + step, file.entries))
            for source, file in enumerate(self.inputs)
            for start in range(0, file.entries, step)
        ]

    def fractions(self, fixed: str | None) -> list[float]:
        """Return the share of each of SPLITS in the events of a file with the given fixed split."""
        if fixed is not None:
            return [float(split == fixed) for split in SPLITS]
        return split_fractions(self.recipe, any(file.split == "test" for file in self.inputs))


def split_fractions(recipe: Recipe, fixed_test: bool) -> list[float]:
    """Return the shares of train, validation and test; files of their own take the place of test.

    Raises:
        RecipeError: nothing is left for training and validation.
    """
    split = recipe.split
    fractions = [split.train, split.validation, 0.0 if fixed_test else split.test]
    total = sum(fractions)
    if total <= 0:
        raise RecipeError(
            "split: with --test-files, train and validation cannot both be 0; raise one of them"
        )
    return [fraction / total for fraction in fractions]


def make_plan(
    recipe: Recipe,
    files: Sequence[str],
    test_files: Sequence[str] = (),
    on_error: str = "stop",
    sizes: Sizes | None = None,
) -> Plan:
    """Open every file that the patterns match, and plan the work.

    Raises:
        InputError: no file, or (on_error stop) one that cannot be used.
        RecipeError: the recipe does not fit.
    """
    if on_error not in ON_ERROR:
        raise RecipeError(f"--on-error '{on_error}'; {suggest(on_error, ON_ERROR)}")
    if not files and not test_files:
        raise InputError("no files; give --files, --test-files or both")
    wanted = [(path, None) for path in expand(files)] + [(path, "test") for path in expand(test_files)]
    _check_twice([path for path, _ in wanted])
    usable, skipped = [], []
    for path, split in wanted:
        found = _inspect(path, split, recipe)
        if isinstance(found, InputFile):
            usable.append(found)
        elif on_error == "stop":
            raise with_hint(found, len(wanted))
        else:
            logger.warning("skipped: %s", found)
            skipped.append({"file": Path(path).name, "reason": str(found)})
    if not usable:
        raise InputError(f"none of the {len(wanted)} input files can be used; see the messages above")
    sizes = sizes or _usual_sizes(recipe)
    shards = _count_shards(recipe, usable, sizes.shard_events)
    fingerprint = _fingerprint(recipe, usable, skipped)
    return Plan(recipe, tuple(usable), tuple(skipped), shards, fingerprint, sizes.unit_entries)


def with_hint(error: Exception, files: int) -> Exception:
    """Return an error of one of several files with what lets the others be used."""
    if files < 2 or type(error) is not InputError:
        return error
    return InputError(f"{error} (or --on-error skip, which goes on with the other files)")


def expand(patterns: Sequence[str]) -> list[str]:
    """Return the files that match names or glob patterns, or lie in folders; sorted by base name.

    Raises:
        InputError: a pattern matches nothing, or a folder holds no file of a known ending.
    """
    paths: list[str] = []
    for pattern in patterns:
        found = _match(pattern)
        if not found:
            if Path(pattern).is_dir():
                raise InputError(
                    f"{pattern}: holds no file that ends with {', '.join(ENDINGS)}; name the files"
                )
            raise InputError(f"'{pattern}': no file matches; check the pattern (and quote it)")
        paths += found
    return sorted(dict.fromkeys(paths), key=lambda path: (Path(path).name, path))


def _match(pattern: str) -> list[str]:
    if remote.is_remote(pattern):
        return remote.glob(pattern)
    name = str(Path(pattern).expanduser())
    if Path(name).is_file():
        return [name]
    if Path(name).is_dir():
        return [str(path) for path in Path(name).rglob("[!.]*") if path.suffix.lower() in ENDINGS]
    return [path for path in iglob(name, recursive=True) if Path(path).is_file()]  # noqa: PTH207


def _check_twice(paths: list[str]) -> None:
    seen: dict[str, str] = {}
    for path in paths:
        real = path if remote.is_remote(path) else os.path.realpath(path)
        if real in seen:
            raise InputError(f"{path}: given twice (also as {seen[real]}); leave out one of them")
        seen[real] = path


def _inspect(path: str, split: str | None, recipe: Recipe) -> InputFile | InputError:
    try:
        source = open_images(path, recipe)
        if not recipe.inputs.recentre:
            check_seed(path, source, recipe)
        if source.missing:
            logger.warning("%s: no %s; these columns will be NaN", path, ", ".join(source.missing))
        size, mtime_ns = stat(path)
        sha256 = remote.identity(path) if remote.is_remote(path) else file_hash(Path(path))
        return InputFile(path, sha256, size, mtime_ns, source.entries, split)
    except InputError as error:
        return error


def stat(path: str) -> tuple[int, int]:
    """Return size and time of change of a file (0 for a remote one).

    Raises:
        InputError: it is gone.
    """
    if remote.is_remote(path):
        return remote.size(path), 0
    try:
        state = Path(path).stat()
    except OSError as error:
        raise InputError(f"{path}: vanished ({error.strerror}); bring it back") from error
    return state.st_size, state.st_mtime_ns


def _count_shards(recipe: Recipe, files: list[InputFile], per_shard: int) -> dict[str, int]:
    """Return how many shards hold the expected events of each split."""
    fixed_test = any(file.split == "test" for file in files)
    mixed = sum(file.entries for file in files if file.split is None)
    expected = dict.fromkeys(SPLITS, 0.0)
    if mixed:
        for name, fraction in zip(SPLITS, split_fractions(recipe, fixed_test), strict=True):
            expected[name] += fraction * mixed
    expected["test"] += sum(file.entries for file in files if file.split == "test")
    return {name: max(1, -(-int(events) // per_shard)) for name, events in expected.items() if events > 0}


def _usual_sizes(recipe: Recipe) -> Sizes:
    return LARGE_IMAGES if math.prod(image_of_recipe(recipe).shape) > LARGE_IMAGE else SMALL_IMAGES


def _fingerprint(recipe: Recipe, files: list[InputFile], skipped: list[dict[str, str]]) -> str:
    """Return a hash of the recipe's part and of the inputs, wherever they lie."""
    content = {
        "format": FORMAT,
        "recipe": recipe_part(recipe),
        "inputs": [[file.name, file.sha256, file.entries, file.split] for file in files],
        "skipped": [entry["file"] for entry in skipped],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def recipe_part(recipe: Recipe) -> dict[str, Any]:
    """Return what of the recipe decides the content of a store."""
    whole = recipe_dict(recipe)
    return {key: whole[key] for key in ("name", "classes", "inputs", "image", "split")}


def plan_dict(plan: Plan) -> dict[str, Any]:
    """Return what a resumed ingest checks, for people too."""
    return {"id": plan.id, "inputs": [asdict(file) for file in plan.inputs]}
