"""What store.json says: images, classes, splits, shards, and where the events came from."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import StoreError
from ..files import read_json, sha256
from ..geometry.description import ImageSpec

SPLITS = ("train", "validation", "test")
SCHEMA_VERSION = 2
STORE_FILE = "store.json"
SHARD_FOLDER = "shards"


@dataclass(frozen=True)
class ShardInfo:
    """One HDF5 file of a split; `file` is relative to the store."""

    file: str
    events: int
    bytes: int
    sha256: str

    @classmethod
    def of(cls, store: Path, path: Path, events: int) -> ShardInfo:
        """Return what store.json of the folder `store` says about the finished shard `path`."""
        return cls(str(path.relative_to(store)), events, path.stat().st_size, sha256(path))


@dataclass(frozen=True)
class SplitInfo:
    """Events of one split."""

    events: int
    per_class: dict[str, int]
    """Empty where the events have no labels."""
    shards: tuple[ShardInfo, ...]


@dataclass(frozen=True)
class InputInfo:
    """A file that the events came from; `entries` were read, `selected` went into the store."""

    file: str
    sha256: str
    bytes: int
    entries: int
    selected: int
    split: str | None = None
    """The split that was fixed for this file; None: by hash."""


@dataclass(frozen=True)
class StoreInfo:
    """The content of store.json. `id` is a hash of the recipe's part and of all inputs."""

    id: str
    name: str
    image: ImageSpec
    classes: tuple[str, ...]
    columns: tuple[str, ...]
    split: dict[str, float]
    splits: dict[str, SplitInfo]
    inputs: tuple[InputInfo, ...]
    skipped: tuple[dict[str, str], ...] = ()
    recipe: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION

    @property
    def labelled(self) -> bool:
        """Whether the events have labels."""
        return any(split.per_class for split in self.splits.values())

    def to_dict(self) -> dict[str, Any]:
        """Return the content as JSON types."""
        return {**dataclasses.asdict(self), "image": self.image.to_dict()}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> StoreInfo:
        """Return the inverse of `to_dict`, also after a passage through JSON."""
        splits = {
            name: SplitInfo(
                events=int(split["events"]),
                per_class=dict(split["per_class"]),
                shards=tuple(ShardInfo(**shard) for shard in split["shards"]),
            )
            for name, split in content["splits"].items()
        }
        converted = {
            "image": ImageSpec.from_dict(content["image"]),
            "classes": tuple(content["classes"]),
            "columns": tuple(content["columns"]),
            "splits": splits,
            "inputs": tuple(InputInfo(**file) for file in content["inputs"]),
            "skipped": tuple(content.get("skipped", ())),
        }
        return cls(**{**content, **converted})


def read_info(path: Path) -> StoreInfo:
    """Read store.json of the store folder `path`.

    Raises:
        StoreError: no store, an unfinished one, another schema version, or an unreadable store.json.
    """
    file = path / STORE_FILE
    if not file.is_file():
        found = "an unfinished ingest" if (path / ".parts").exists() else "no store"
        what = found if path.is_dir() else "no such folder"
        raise StoreError(f"{path}: {what}; expected a folder with {STORE_FILE}, written by scripts/ingest.py")
    try:
        content = read_json(file)
        version = content["schema_version"]
        if version != SCHEMA_VERSION:
            raise StoreError(
                f"{file}: schema version {version}, expected {SCHEMA_VERSION} (of images whose seed cell and "
                "tier are described); ingest the inputs again"
            )
        return StoreInfo.from_dict(content)
    except PermissionError as error:
        raise StoreError(f"{file}: no permission to read it; ask its owner for it") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise StoreError(f"{file}: not readable as a store ({reason}); ingest the inputs again") from error
