"""CMS event-display files (`.ig`): a zip of events, each a text that is almost JSON, read leniently.

`nan`, `inf`, single quotes and round brackets are understood. Collections carry their version in the name
(`Photons_V1`); the newest of a kind is taken, and fields are found by name, so that files of all years can be
read where the fields are there.
"""

from __future__ import annotations

import json
import re
import zipfile
from typing import Any

import numpy as np

from ...errors import InputError
from ...store.sparse import Array
from ..tables import remote
from ..tables.base import damaged

TOKEN = re.compile(
    r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|[-+]?\b(?:nan|inf(?:inity)?)\b|[()]', re.IGNORECASE
)
UNUSUAL = re.compile(r"[nNiI()]")  # outside of strings: neither digits nor JSON
FOLDER = "Events/"


class UnreadableEventError(InputError):
    """An event cannot be read, or lacks what is needed; others of the file may be whole."""


class IspyEvent:
    """The collections of one event."""

    def __init__(self, name: str, content: dict[str, Any]) -> None:
        self.name = name
        try:
            self._types = dict(content["Types"])
            self._collections = dict(content["Collections"])
            self._associations = dict(content.get("Associations") or {})
        except (KeyError, TypeError, ValueError) as error:
            raise UnreadableEventError(f"{name}: no Types and Collections ({error})") from error

    def size(self, kind: str) -> int:
        """Return the number of its items; 0 where there is no such collection."""
        name = self._newest(kind, self._collections)
        return len(self._collections[name]) if name else 0

    def fields(self, kind: str) -> list[str]:
        """Return the names of the fields of a collection; none where there is no such collection."""
        name = self._newest(kind, self._types)
        return [str(field[0]) for field in self._types[name]] if name else []

    def column(self, kind: str, names: str) -> Array:
        """Return a field of all items of a collection: float64 (N,), int64 (N,), or (N, 3) for positions.

        Args:
            kind: name of the collection without its version, for example Photons.
            names: name of the field, or alternatives for other years such as "pt|et".

        Raises:
            UnreadableEventError: there is no such collection or field, or items of it are torn.
        """
        name = self._newest(kind, self._collections)
        if name is None:
            have = ", ".join(sorted(self._collections)[:12]) or "none"
            raise UnreadableEventError(f"{self.name}: no {kind}_V*; its collections are {have}")
        types = dict(self._types.get(name, ()))
        field = next((word for word in names.split("|") if word in types), None)
        if field is None:
            raise UnreadableEventError(f"{self.name}: {name} has no '{names}', only {', '.join(types)}")
        place, dtype = list(types).index(field), np.int64 if types[field] == "int" else np.float64
        try:
            values = [item[place] for item in self._collections[name]]
            shape = (len(values), 3) if types[field] == "v3d" else (len(values),)
            return np.array(values, dtype).reshape(shape)
        except (IndexError, TypeError, ValueError, OverflowError) as error:
            raise UnreadableEventError(f"{self.name}: {name} has a torn '{field}' ({error})") from error

    def links(self, kind: str) -> Array:
        """Return the index pairs (N, 2) of an association, such as supercluster and its fraction of a hit."""
        name = self._newest(kind, self._associations)
        try:
            pairs = [(one[0][1], one[1][1]) for one in self._associations[name]] if name else []
            return np.array(pairs, np.int64).reshape(-1, 2)
        except (IndexError, TypeError, ValueError) as error:
            raise UnreadableEventError(f"{self.name}: {name} is torn ({error})") from error

    @staticmethod
    def _newest(kind: str, found: dict[str, Any]) -> str | None:
        versions = [name for name in found if re.fullmatch(rf"{re.escape(kind)}_V\d+", name)]
        return max(versions, key=lambda name: int(name.rpartition("_V")[2]), default=None)


class IspyFile:
    """One event-display file.

    Raises:
        InputError: it is no zip, torn, or holds no event.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self._zip = zipfile.ZipFile(remote.open_file(path) if remote.is_remote(path) else path)
            self.names = [
                name for name in self._zip.namelist() if name.startswith(FOLDER) and name[-1] != "/"
            ]
        except zipfile.BadZipFile as error:
            raise InputError(
                f"{path}: not a zip file, or a torn one; give a whole event-display file of CMS (.ig)"
            ) from error
        except Exception as error:  # damaged bytes and servers fail in many ways
            raise damaged(path, error) from error
        if not self.names:
            raise InputError(f"{path}: has no {FOLDER}Run_*/Event_*; give an event-display file of CMS (.ig)")

    def read(self, number: int) -> IspyEvent:
        """Return event `number`, counted from 0.

        Raises:
            UnreadableEventError: it is torn or not understood.
        """
        name = self.names[number]
        where = f"{self.path}: {name.removeprefix(FOLDER)}"
        try:
            content = parse(self._zip.read(name).decode("utf-8"))
        except Exception as error:  # as above, and whatever is no JSON
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:120]
            raise UnreadableEventError(f"{where}: not readable ({reason})") from error
        return IspyEvent(where, content)


def parse(text: str) -> dict[str, Any]:
    """Return the content of an event's text.

    >>> parse("{'Types': {}, 'x': [(1, nan)]}")
    {'Types': {}, 'x': [[1, nan]]}

    Raises:
        ValueError: it is not even nearly JSON, or no mapping.
    """
    parts = text.split('"')  # every second one is a string: looking at the others only is much faster
    if '\\"' in text or any("'" in part for part in parts[::2]):
        text = TOKEN.sub(_to_json, text)
    else:
        parts[::2] = [TOKEN.sub(_to_json, part) if UNUSUAL.search(part) else part for part in parts[::2]]
        text = '"'.join(parts)
    content = json.loads(text)
    if not isinstance(content, dict):
        msg = f"found a {type(content).__name__}, expected a mapping"
        raise ValueError(msg)
    return content


def _to_json(match: re.Match[str]) -> str:
    word = match.group()
    if word[0] == '"':
        return word
    if word[0] == "'":
        return json.dumps(word[1:-1].replace("\\'", "'"))
    if word in "()":
        return "[" if word == "(" else "]"
    if "nan" in word.lower():
        return "NaN"
    return "-Infinity" if word[0] == "-" else "Infinity"
