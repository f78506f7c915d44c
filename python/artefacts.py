"""Results as typed objects and their JSON files: written whole, checked when read, versioned."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, ClassVar

import msgspec
from typing_extensions import Self

from .errors import RunError
from .files import read_json, write_json


def to_plain(value: Any) -> Any:
    """Return frozen dataclasses, and what they hold, as JSON types; fields that are unset are left out.

    Not msgspec.to_builtins, which leaves out each field that msgspec.convert gave its default.
    """
    if dataclasses.is_dataclass(value):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return {name: to_plain(one) for name, one in fields.items() if one is not msgspec.UNSET}
    if isinstance(value, dict):
        return {key: to_plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(one) for one in value]
    return value.item() if hasattr(value, "item") else value  # NumPy's numbers


class Artefact:
    """Base of the frozen dataclasses that a run folder keeps as JSON.

    A field that a file lacks takes its default; keys that the class does not know are left out, so that
    a file of a later minor version can still be read.
    """

    FORMAT_VERSION: ClassVar[int] = 1
    REMEDY: ClassVar[str]
    """What makes the file anew, with {run} for the run folder: a part of error messages."""
    ERROR: ClassVar[type[Exception]] = RunError

    def to_json(self) -> dict[str, Any]:
        """Return the content as JSON types, the format version first."""
        return {"format_version": self.FORMAT_VERSION, **to_plain(self)}

    @classmethod
    def from_json(cls, content: Any) -> Self:
        """Return the inverse of `to_json`.

        Raises:
            ValueError: a key is missing, has another type, or the format version is another.
        """
        if not isinstance(content, dict):
            raise ValueError(f"found {type(content).__name__}, expected a mapping")
        version = content.get("format_version", 1)
        if version != cls.FORMAT_VERSION:
            raise ValueError(f"found format version {version}, expected {cls.FORMAT_VERSION}")
        return msgspec.convert(content, cls, strict=False)

    def write(self, path: Path) -> None:
        """Write the JSON file, whole or not at all."""
        write_json(path, self.to_json())

    @classmethod
    def read(cls, path: Path, run: Path) -> Self:
        """Return the content of a JSON file of the run folder `run`.

        Raises:
            ParticleViTError: missing, torn, of something else or of another format: the file, what was found,
                and what makes it anew.
        """
        remedy = cls.REMEDY.format(run=run)
        if not path.is_file():
            raise cls.ERROR(f"{path}: not found; {remedy}")
        try:
            return cls.from_json(read_json(path))
        except PermissionError as error:
            raise cls.ERROR(f"{path}: no permission to read it; ask its owner for it") from error
        except (OSError, ValueError) as error:  # msgspec.ValidationError is a ValueError
            reason = " ".join(str(error).split())
            raise cls.ERROR(f"{path}: not readable as {cls.__name__.lower()} ({reason}); {remedy}") from error
