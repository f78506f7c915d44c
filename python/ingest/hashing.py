"""Deal events to splits and shards by a hash of (source, entry, seed), so that no event ever moves."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..store.sparse import Array

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def mix(values: Array) -> Array:
    """Return the finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) of uint64 `values`."""
    x = values.astype(np.uint64, copy=True)
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return x


def event_hash(source: str, entries: Array, seed: int) -> Array:
    """Return a uint64 per entry of the file named `source` (its base name)."""
    salt = hashlib.blake2b(source.encode(), digest_size=8, key=str(seed).encode()).digest()
    offset = np.uint64(int.from_bytes(salt, "little"))
    return mix((entries.astype(np.uint64) + np.uint64(1)) * _GOLDEN + offset)


def order_hash(hashes: Array, entries: Array) -> Array:
    """Return a uint64 per event that tells apart events of the same entry, such as the jets of a collision.

    Args:
        hashes: `event_hash` of each event.
        entries: Entry of each event, ascending.
    """
    places = np.arange(len(entries))
    firsts = np.searchsorted(entries, entries, side="left")
    return mix(hashes ^ mix((places - firsts).astype(np.uint64) + _GOLDEN))


def choose(hashes: Array, fractions: list[float]) -> Array:
    """Return for each hash the number of the interval of [0, 1), dealt by `fractions`, that it falls into."""
    uniform = (hashes >> np.uint64(11)).astype(np.float64) * 2.0**-53
    edges = np.cumsum(fractions) / sum(fractions)
    last = int(np.flatnonzero(fractions)[-1])
    return np.minimum(np.searchsorted(edges, uniform, side="right"), last).astype(np.int64)


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file.

    Raises:
        InputError: it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 22):
                digest.update(block)
    except OSError as error:
        raise InputError(f"{path}: not readable ({error.strerror}); check the file") from error
    return digest.hexdigest()
