"""The file of ParticleViTMonitor: histograms that a job filled, and what it says of itself."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import InputError
from ..ingest.tables.base import damaged
from ..store import ImageSpec
from ..store.sparse import Array

VERSION = 1
"""Layout that is read; the plugin writes it into the file."""


class Histogram(NamedTuple):
    """Counts of one quantity."""

    edges: Array  # (B + 1,)
    counts: Array  # (B + 2,), what lies below and above at the ends


class Maps(NamedTuple):
    """What a channel's cells hold."""

    mean: Array  # (H, W), the channel's unit
    occupancy: Array  # (H, W), share of images with the cell not 0


@dataclass(frozen=True)
class Monitor:
    """What one module saw."""

    path: str
    """FILE:LABEL/TIER."""
    about: dict[str, Any]
    """What the module says of itself: classes, channels, height, width, seed, tier, checksums."""
    numbers: dict[str, int]
    """Events, candidates, images, scored."""
    histograms: dict[str, Histogram]
    maps: dict[str, Maps]
    """Channel -> its maps; empty where there was no image."""


def plain_name(name: str) -> str:
    """Return a class's or channel's name as the file's objects have it: letters and digits.

    >>> plain_name("track_pt")
    'trackpt'
    """
    return re.sub(r"[^A-Za-z0-9]", "", name)


def read_monitor(file: str, image: ImageSpec) -> Monitor:
    """Read what a module of a file saw of images of `image`.

    Args:
        file: FILE, or FILE:LABEL/TIER where several of its modules saw such images.
        image: the images of the training sample.

    Raises:
        InputError: missing or damaged file, no module, none of such images, or several.
    """
    import uproot

    path, _, place = (file, "", "") if Path(file).exists() else file.partition(":")
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file; expected the file that ParticleViTMonitor writes")
    try:
        with uproot.open(path) as opened:
            return _choose(file, opened, place, image)
    except InputError:
        raise
    except Exception as error:  # uproot raises whatever a torn file leads to
        raise damaged(path, error) from error


def _choose(file: str, opened: Any, place: str, image: ImageSpec) -> Monitor:
    found = {
        key.removesuffix("/metadata"): json.loads(str(opened[key]))
        for key in opened.keys(cycle=False)
        if key.endswith("/metadata")
    }
    names = [place] if place else [key for key, about in found.items() if _fits(about, image)]
    if len(names) != 1 or names[0] not in found or not _fits(found[names[0]], image):
        raise InputError(_choices(file, found, image))
    (name,) = names
    if found[name]["version"] != VERSION:
        raise InputError(
            f"{file}: layout version {found[name]['version']}, expected {VERSION}; "
            "fill it with the ParticleViTMonitor of this version"
        )
    return _read(f"{file.removesuffix(':' + name)}:{name}", opened[name], found[name])


def _fits(about: dict[str, Any], image: ImageSpec) -> bool:
    names = [channel["name"] for channel in about["channels"]]
    return (names, about["height"], about["width"]) == (list(image.names), image.height, image.width)


def _choices(file: str, found: dict[str, Any], image: ImageSpec) -> str:
    places = ", ".join(
        f"{place} ({' '.join(c['name'] for c in about['channels'])}, {about['height']} x {about['width']})"
        for place, about in found.items()
    )
    wanted = f"{' '.join(image.names)}, {image.height} x {image.width}"
    return (
        f"{file}: it has {places or 'no folder of ParticleViTMonitor'}, expected one with images of the "
        f"store ({wanted}); name it as FILE:LABEL/TIER, or take the store of its model"
    )


def _read(path: str, folder: Any, about: dict[str, Any]) -> Monitor:
    kinds = folder.classnames(recursive=False, cycle=False)
    histograms = {
        name: Histogram(
            folder[name].axis().edges().astype(np.float64), folder[name].values(flow=True).astype(np.float64)
        )
        for name, kind in kinds.items()
        if kind == "TH1D" and name != "counts"
    }
    counts = folder["counts"]
    numbers = dict(zip(counts.axis().labels(), map(int, counts.values()), strict=True))
    maps = {}
    for channel in about["channels"] if numbers["images"] else []:
        name = plain_name(channel["name"])
        sums, cells = folder[f"image_{name}"].values().T, folder[f"cells_{name}"].values().T
        maps[channel["name"]] = Maps(sums / numbers["images"], cells / numbers["images"])
    return Monitor(path, about, numbers, histograms, maps)
