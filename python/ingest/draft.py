"""Draft a recipe from a file: what is in it, which fields look like what, and a YAML file to correct."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..errors import InputError, RecipeError
from ..recipe import load_recipe, parse_recipe, recipe_dict
from .guessing import image_field, image_shape, kept_columns, label_guess, particle_fields, source_of
from .sources.dispatch import open_source
from .sources.pfnano import NO_CANDIDATES
from .tables.base import Table, file_kind
from .tables.opening import open_table

LIKE = {"delphes": "quark_gluon_delphes", "pfnano": "quark_gluon_pfnano", "rhtree": "quark_gluon"}
"""Source -> built-in recipe whose images the draft takes."""
TRIED = 20  # entries that the draft must be able to read
LISTED = 60  # columns
OBJECT_SOURCES = ("delphes", "pfnano", "edm4hep", "rhtree")


@dataclass(frozen=True)
class Draft:
    """A recipe to correct."""

    listing: str
    """What is in the file."""
    guesses: tuple[str, ...]
    """What was guessed, and what to check."""
    content: dict[str, Any]

    def yaml(self) -> str:
        """Return the recipe with what was guessed as comments at its head."""
        head = "".join(f"# guessed: {guess}\n" for guess in self.guesses)
        return head + str(yaml.safe_dump(self.content, sort_keys=False, width=110))


def draft_recipe(path: str) -> Draft:
    """Look into a file and draft its recipe.

    Raises:
        InputError: it cannot be read, or holds neither particles nor images.
    """
    table, tree = _open(path)
    listing = _listing(table)
    source = source_of(table.fields)
    if "luminosityBlock" in table.fields and source != "pfnano":
        raise InputError(f"{path}: {NO_CANDIDATES}")
    if not source:
        raise InputError(
            f"{path}: found neither jagged momenta nor images in {table.where} "
            f"({len(table.fields)} columns: {', '.join(list(table.fields)[:8])}, ...); "
            "no recipe can be made for it"
        )
    guesses = [f"source '{source}', from the names and shapes of the columns in {table.where}"]
    content: dict[str, Any] = {"name": _name(path), "classes": ["background", "signal"]}
    content["inputs"] = {"source": source, **({"tree": tree} if tree else {})}
    if source in LIKE or source == "edm4hep":
        like = load_recipe(LIKE.get(source, LIKE["delphes"]))
        content["image"] = _without_defaults(recipe_dict(like)["image"])
        content["inputs"]["options"] = dict(like.inputs.options)
        guesses.append(f"images as those of the recipe {like.name}")
        if source == "pfnano":
            content["inputs"]["options"] = {"jets": _linked_jets(table)}
            guesses.append(f"jets: {_linked_jets(table)}, which the candidates are linked to")
    elif source == "particles":
        content["inputs"]["fields"] = particle_fields(table.fields)
        content["image"] = _particle_image(content["inputs"]["fields"])
        guesses.append(f"particles are {', '.join(content['inputs']['fields'].values())}")
        guesses.append("a window of 0.8 in eta and phi around the jet's axis")
    else:
        content["inputs"]["fields"], content["image"] = _images(table, guesses)
    _add_label(content, table, source, guesses)
    kept = kept_columns(table.fields) if source in ("particles", "images") else {}
    if kept and source == "images":
        content["inputs"]["columns"] = kept
    return Draft(listing, (*guesses, _tried(path, content)), content)


def _open(path: str) -> tuple[Table, str]:
    """Return the table of a file, for ROOT that of most entries, and the name of the tree."""
    if file_kind(path) != "ROOT":
        return open_table(path, ""), ""
    from .tables.root import tree_names

    names = tree_names(path)
    if not names:
        raise InputError(f"{path}: holds no TTree and no RNTuple; there is nothing to read")
    tables = [open_table(path, name) for name in names]
    best = max(range(len(names)), key=lambda k: (bool(source_of(tables[k].fields)), tables[k].entries))
    return tables[best], names[best]


def _without_defaults(content: Any) -> Any:
    """Return a section without the keys that say nothing."""
    if isinstance(content, dict):
        kept = {key: _without_defaults(value) for key, value in content.items()}
        return {key: value for key, value in kept.items() if value not in (None, "none", [], {})}
    return [_without_defaults(item) for item in content] if isinstance(content, list) else content


def _listing(table: Table) -> str:
    lines = [f"{table.path}: {table.entries:,} entries in {table.where}, {len(table.fields)} columns"]
    shown = list(table.fields.items())[:LISTED]
    lines += [f"  {name}: {field.text}" for name, field in shown]
    if len(table.fields) > LISTED:
        lines.append(f"  ... and {len(table.fields) - LISTED} more")
    return "\n".join(lines)


def _name(path: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in Path(path).stem).strip("_") or "study"


def _linked_jets(table: Table) -> str:
    for jets in ("Jet", "FatJet"):
        if any(f"{jets}{rest}" in table.fields for rest in ("PFCand_pfCandIdx", "PFCands_pFCandsIdx")):
            return jets
    return "Jet"


def _particle_image(fields: dict[str, str]) -> dict[str, Any]:
    kinds = ("charged", "photon", "neutral_hadron")
    if "pdgid" in fields:
        channels = [{"name": kind, "unit": "GeV", "particles": kind, "weight": "pt"} for kind in kinds]
    else:
        channels = [
            {"name": "pt", "unit": "GeV", "particles": "all", "weight": "pt"},
            {"name": "multiplicity", "unit": "1", "particles": "all", "weight": "count"},
        ]
    window = {"eta_half_width": 0.8, "phi_half_width": 0.8, "alignment": ["centre"]}
    return {"channels": channels, "height": 32, "width": 32, **window}


def _images(table: Table, guesses: list[str]) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the fields and the section image for a column of images."""
    name = image_field(table.fields)
    shape = image_shape(table, name)
    if len(shape) == 2:
        channels, height, width, layout = 1, *shape, "one channel"
    elif shape[2] < min(shape[:2]):
        height, width, channels, layout = *shape, "channels last"
    else:
        channels, height, width, layout = *shape, "channels first"
    guesses.append(f"'{name}' holds images of {height} x {width}, {channels} channels, {layout}")
    guesses.append("every channel is an energy in GeV, unscaled; correct names, units, kinds, options.scale")
    names = ["energy"] if channels == 1 else [f"channel_{k}" for k in range(channels)]
    section = [{"name": name, "unit": "GeV", "kind": "energy"} for name in names]
    return {"image": name}, {"channels": section, "height": height, "width": width}


def _add_label(content: dict[str, Any], table: Table, source: str, guesses: list[str]) -> None:
    objects = str(content["inputs"].get("options", {}).get("jets", "Jet")) if source in OBJECT_SOURCES else ""
    found = label_guess(table, objects[:3] if source == "rhtree" else objects)
    if found is None:
        content["inputs"]["label"] = {"unlabelled": True}
        guesses.append("no label: the events can be scored, but not trained on; name one in inputs.label")
        return
    content["classes"], content["inputs"]["label"] = found.classes, found.section
    guesses.append(f"{found.text}; name the classes, and put the signal last")


def _tried(path: str, content: dict[str, Any]) -> str:
    """Return what became of the first entries under the draft."""
    try:
        recipe = parse_recipe(content, {}, "the draft")
        source = open_source(path, recipe, everything=True)
        entries = min(TRIED, source.entries)
        status = source.read(0, entries).status
    except (InputError, RecipeError) as error:
        return f"nothing more, since the draft does not read the file yet: {error}"
    drawn = 0 if status is None else int((status == 0).sum())
    return f"all of this reads: the first {entries} entries give {drawn} images"
