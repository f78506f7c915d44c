"""Guess from the names and types of columns what a file holds: particles, images, labels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from .tables.base import Field, Jagged, Table

SPELLINGS = {
    "px": ("px",), "py": ("py",), "pz": ("pz",), "energy": ("energy", "e", "en"),
    "pt": ("pt",), "eta": ("eta",), "rapidity": ("rapidity", "rap", "y"), "phi": ("phi",),
    "mass": ("mass", "m"), "pdgid": ("pdgid", "pdg", "pid"), "charge": ("charge", "q"),
}  # fmt: skip
"""Role of a column in a list of particles -> how its name may end, in small letters."""
SETS = (("px", "py", "pz", "energy"), ("pt", "eta", "phi"), ("pt", "rapidity", "phi"))
EXTRAS = ("mass", "pdgid", "charge")
MARKS = {
    "delphes": ("Jet.PT",),
    "pfnano": ("PFCand_pt", "PFCands_pt"),
    "edm4hep": ("ReconstructedParticles.momentum.x",),
    "rhtree": ("jetSeed_ieta", "SC_ieta", "EB_energy"),
}
"""Source -> columns of which one tells it."""
LABELS = re.compile(
    r"(.*_)?(is_?(signal|quark|top|electron|photon)|label|labels|y|y_jets|target|truth(label)?|class|category"
    r"|partonFlavour|hadronFlavour)\d*",
    re.IGNORECASE,
)
ONE_HOT = re.compile(r"(label|is|class)_(.+)", re.IGNORECASE)
KEPT = ("pt", "eta", "phi", "mass")
LOOKED_AT = 2000  # entries whose labels are read
MOST_CLASSES = 12


class LabelGuess(NamedTuple):
    """Where the class of an event might come from."""

    section: dict[str, Any]
    """`inputs.label` of the recipe."""
    classes: list[str]
    text: str


def source_of(fields: Mapping[str, Field]) -> str:
    """Return the source that the columns tell, "" where they tell none."""
    for source, marks in MARKS.items():
        if any(mark in fields for mark in marks):
            return source
    if particle_fields(fields):
        return "particles"
    return "images" if image_field(fields) else ""


def particle_fields(fields: Mapping[str, Field]) -> dict[str, str]:
    """Return role -> column of the fullest set of jagged columns with a common beginning.

    >>> particle_fields({name: Field(1, "") for name in ("p_pt", "p_eta", "p_phi", "t_pt")})
    {'pt': 'p_pt', 'eta': 'p_eta', 'phi': 'p_phi'}
    """
    groups: dict[str, dict[str, str]] = {}
    for name, field in fields.items():
        for role, endings in SPELLINGS.items() if field.depth == 1 else ():
            for ending in endings:
                if name.lower().endswith(ending):
                    groups.setdefault(name[: len(name) - len(ending)], {}).setdefault(role, name)
    best: dict[str, str] = {}
    for beginning, roles in groups.items():
        if beginning and beginning[-1].isalpha():  # npart_px, but not happy
            continue
        for wanted in SETS:
            if set(wanted) <= set(roles):
                found = {role: roles[role] for role in (*wanted, *EXTRAS) if role in roles}
                found = {role: name for role, name in found.items() if not ("px" in found and role == "mass")}
                best = max(best, found, key=len)
                break
    return best


def image_field(fields: Mapping[str, Field]) -> str:
    """Return the column of most dimensions, two or more."""
    deep = {name: field.depth for name, field in fields.items() if field.depth and field.depth >= 2}
    return max(deep, key=lambda name: (deep[name], name.startswith("X"))) if deep else ""


def image_shape(table: Table, name: str) -> tuple[int, ...]:
    """Return the lengths of one entry of a column of images."""
    values: Any = table.read([name], 0, 1)[name]
    shape = []
    while isinstance(values, Jagged):
        shape.append(int(np.diff(values.offsets)[0]) if len(values) else 0)
        values = values.values
    return tuple(shape) if shape else tuple(int(n) for n in np.asarray(values).shape[1:])


def label_guess(table: Table, objects: str = "") -> LabelGuess | None:
    """Return the label that the names and the first values suggest, None for none.

    Args:
        table: The file.
        objects: Beginning of the columns of candidates, such as jets, with labels of their own, in lists.
    """
    hot = {
        match[2].lower(): name
        for name, field in table.fields.items()
        if field.depth == 0 and (match := ONE_HOT.fullmatch(name)) and name.lower() != "is_signal"
    }
    if len(hot) > 1 and not objects:
        return LabelGuess({"one_hot": hot}, list(hot), f"one-hot labels {', '.join(hot.values())}")
    depth = 1 if objects else 0
    for name in sorted(table.fields, key=lambda name: (len(name), name)):
        field = table.fields[name]
        if not name.startswith(objects):
            continue
        if (field.depth == depth or (field.is_text and not objects)) and LABELS.fullmatch(name):
            guess = _values_guess(name, table)
            if guess is not None:
                return guess
    return None


def _values_guess(name: str, table: Table) -> LabelGuess | None:
    values: Any = table.read([name], 0, min(table.entries, LOOKED_AT))[name]
    values = values.values if isinstance(values, Jagged) else values
    seen = [_plain(value) for value in np.unique(np.asarray(values).reshape(-1)).tolist()]
    if not 2 <= len(seen) <= MOST_CLASSES:
        return None
    classes = [word if isinstance(word, str) else f"{name}_{word}".replace("-", "minus") for word in seen]
    if (match := re.fullmatch(r"is_?(.+)", name, re.IGNORECASE)) and seen in ([0, 1], [False, True]):
        what = match[1].lower()
        classes = ["background" if what == "signal" else f"not_{what}", what]
    section = {"field": name, "values": dict(zip(classes, ([word] for word in seen), strict=True))}
    return LabelGuess(section, classes, f"label '{name}', with the values {', '.join(map(str, seen))}")


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    return int(value) if isinstance(value, float) and value.is_integer() else value


def kept_columns(fields: Mapping[str, Field]) -> dict[str, str]:
    """Return the scalar columns pt, eta, phi, mass, with or without a prefix such as jet_."""
    found = {}
    for wanted in KEPT:
        names = [name for name, field in fields.items() if field.depth == 0 and _is_called(name, wanted)]
        if names:
            found[wanted] = min(names, key=len)
    return found


def _is_called(name: str, wanted: str) -> bool:
    return re.fullmatch(rf"(.*_)?(jet)?{wanted}", name, re.IGNORECASE) is not None
