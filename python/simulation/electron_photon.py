"""Electron and photon guns in the CMS ECAL barrel: crops of 32 x 32 crystals around the seed.

pT = 50 GeV, |eta| < 1.4, as in the public crops (single-particle CMS simulation). A crop is kept if its
window lies in the barrel: the spectrum of energies in the public crops ends at 50 GeV x cosh(1.2), where the
window of 32 rows reaches the last crystal.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..files import atomic_path, unwritable
from ..geometry.cells import ecal_place
from ..geometry.grids import CRYSTAL_PHI, EB_IETA_MAX, EB_IPHI_MAX, EB_RADIUS_CM, EB_ROWS, EE_ROWS
from . import readout, shower, tracker
from .hdf5_file import new_hdf5

logger = logging.getLogger(__name__)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

SIZE = 32  # crystals on a side of the crop
SEED = 16  # row and column of the seed in the crop
PT_GEV = 50.0
ETA_MAX = 1.4
BEAM_SPOT_CM = 4.5  # rms length of the luminous region
ENERGY_UNIT_GEV = 50.0  # of the public HDF5 layout
TIME_UNIT_NS = 50.0
COLUMNS = ("pt", "eta", "phi", "ieta", "iphi")

CANVAS = 40  # crystals on a side of the matrix in which events are simulated, eight towers
CHUNK = 1024  # events with one seed of their own: results do not depend on how many are asked for at once
MOST_EVENTS = 10**12  # HDF5 counts bytes in 64 bits
OVERSAMPLING = 1.25  # guns per crop: some windows leave the barrel

GAP_LOSS = 0.05  # largest loss of energy at the border of a module or supermodule, an estimate
GAP_WIDTH = 0.3  # crystals
MODULE_ROWS = np.array([0, 20, 40, 60, 85, 110, 130, 150, 170])  # borders of modules, |ieta| 25, 45, 65
SUPERMODULE_COLUMNS = 20

# Relative spread of constants that vary from event to event, where that is asked for. Estimates: how far the
# material is known, how far the parametrised radii hold, how the noise varies along eta.
MATERIAL_SPREAD = 0.2
RADIUS_SPREAD = 0.04
NOISE_SPREAD = 0.15


class Crops(NamedTuple):
    """Crops of N electrons and photons."""

    energy: NDArray[np.float32]  # (N, 32, 32) GeV; rows along ieta, columns along iphi
    time: NDArray[np.float32]  # (N, 32, 32) ns, 0 where there is no hit
    label: NDArray[np.int64]  # (N,) 1 = electron, 0 = photon
    pt: NDArray[np.float32]  # (N,) generated, GeV
    eta: NDArray[np.float32]  # (N,) generated
    phi: NDArray[np.float32]  # (N,) generated, rad
    ieta: NDArray[np.int64]  # (N,) of the seed crystal, -85..-1, 1..85
    iphi: NDArray[np.int64]  # (N,) of the seed crystal, 1..360


class Constants(NamedTuple):
    """Factors of what the simulation does not know well, one for each of G events."""

    material: FloatArray  # of the tracker
    radius: FloatArray  # of the showers
    noise: FloatArray  # of the crystals


class Showers(NamedTuple):
    """What reaches the crystals: particles (P,) and the numbers of the G events themselves."""

    event: IntArray  # (P,)
    energy: FloatArray  # (P,) GeV
    row: FloatArray  # (P,) crystals from the barrel's low-eta edge
    column: FloatArray  # (P,) crystals from phi = 0, not wrapped
    theta: FloatArray  # (G,) rad
    phi: FloatArray  # (G,) rad
    label: IntArray  # (G,)


def simulate(events: int, seed: int, vary: bool = False) -> Crops:
    """Simulate `events` crops, electrons and photons with equal probability.

    With `vary`, each event has its own constants, see `Constants`.

    The first n crops are the same whatever the number asked for.

    Raises:
        InputError: `events` is below one or `seed` is negative.
    """
    return _join(list(chunks(events, seed, vary)))


def chunks(events: int, seed: int, vary: bool = False) -> Iterator[Crops]:
    """Yield the crops of `simulate` in chunks of at most `CHUNK`."""
    _check(events, seed)
    for index, start in enumerate(range(0, events, CHUNK)):
        crops = _chunk(np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(index,))), vary)
        yield _first(crops, events - start)


def write_hdf5(
    path: str | PathLike[str],
    events: int,
    seed: int,
    progress: Callable[[int], Any] | None = None,
    vary: bool = False,
) -> None:
    """Write crops in the public layout: X (N, 32, 32, 2) float32 of E/50 GeV and t/50 ns, y (N,).

    The file appears when it is complete; memory does not grow with the number of events.

    Args:
        path: file to write.
        events: number of crops.
        seed: of the random numbers.
        progress: called with the number of crops after each chunk.
        vary: whether each event has its own constants.

    Raises:
        InputError: `events` or `seed` out of range, or another suffix.
        OutputError: the file cannot be written.
    """
    _check(events, seed)
    if Path(path).suffix not in (".hdf5", ".h5"):
        raise InputError(f"{path}: electron_photon writes .hdf5 or .h5 files; choose one of these suffixes")
    try:
        with atomic_path(path) as partial, new_hdf5(partial) as (file, check):
            images = file.create_dataset(
                "X", (events, SIZE, SIZE, 2), "f4", chunks=(64, SIZE, SIZE, 2), compression="gzip",
                compression_opts=1, shuffle=True, maxshape=(None, SIZE, SIZE, 2),
            )  # fmt: skip
            for name in ("y", *COLUMNS):
                file.create_dataset(name, (events,), "i4" if name.startswith("i") else "f4")
            start = 0
            for crops in chunks(events, seed, vary):
                part = slice(start, start + len(crops.label))
                images[part] = np.stack([crops.energy / ENERGY_UNIT_GEV, crops.time / TIME_UNIT_NS], -1)
                file["y"][part] = crops.label
                for name in COLUMNS:
                    file[name][part] = getattr(crops, name)
                check()
                start = part.stop
                if progress is not None:
                    progress(len(crops.label))
    except OSError as error:
        raise unwritable(path, error) from error


def _check(events: int, seed: int) -> None:
    if not 1 <= events <= MOST_EVENTS or seed < 0:
        msg = f"cannot simulate {events} events with seed {seed}; give 1 to {MOST_EVENTS:,} and a seed >= 0"
        raise InputError(msg)


def _first(crops: Crops, number: int) -> Crops:
    return Crops._make(column[:number] for column in crops)


def _join(parts: list[Crops]) -> Crops:
    return Crops._make(np.concatenate(columns) for columns in zip(*parts, strict=True))


def _chunk(rng: np.random.Generator, vary: bool) -> Crops:
    """Simulate `CHUNK` crops that lie in the barrel."""
    found: list[Crops] = []
    missing = CHUNK
    while missing > 0:
        found.append(_first(_batch(missing, rng, vary), missing))
        missing -= len(found[-1].label)
    return _join(found)


def _batch(wanted: int, rng: np.random.Generator, vary: bool) -> Crops:
    """Simulate about as many guns as wanted and keep those whose window lies in the barrel."""
    theta, z = _aim(wanted, rng)
    guns = len(theta)
    constants = _draw_constants(guns, rng) if vary else Constants(*np.ones((3, guns)))
    showers = _fire(theta, z, constants.material, rng)
    origin_row, origin_column = _canvas_origin(showers)
    transverse = np.sin(showers.theta)
    place = (showers.row - origin_row[showers.event], showers.column - origin_column[showers.event])
    mirrored = showers.row < EB_IETA_MAX
    canvas = guns, CANVAS, CANVAS
    deposited = shower.deposit(showers.event, showers.energy, *place, mirrored, canvas, rng, constants.radius)
    measured, dead = readout.kill_towers(readout.smear(deposited, rng, constants.noise), rng)
    energy = readout.selective_readout(measured, transverse)
    row, column = np.divmod(energy.reshape(guns, -1).argmax(1), CANVAS)
    seed_row, seed_column = row + origin_row, (column + origin_column) % EB_IPHI_MAX
    inside = (seed_row >= SEED) & (seed_row + SIZE - SEED <= EB_ROWS)
    place_inside = row[inside], column[inside]
    near_dead = _cut(readout.ring(dead[inside]), *place_inside)
    image = readout.reduced_hits(_cut(energy[inside], *place_inside), SEED, transverse[inside], near_dead)
    kept_row = seed_row[inside]
    return Crops(
        energy=image,
        time=readout.hit_times(image, rng),
        label=showers.label[inside],
        pt=np.full(len(image), PT_GEV, np.float32),
        eta=(-np.log(np.tan(0.5 * showers.theta[inside]))).astype(np.float32),
        phi=_wrap(showers.phi[inside]).astype(np.float32),
        ieta=kept_row - EB_IETA_MAX + (kept_row >= EB_IETA_MAX),
        iphi=seed_column[inside] + 1,
    )


def _aim(wanted: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Draw polar angles (rad) and vertices (cm) of guns; without those aimed well beside the crops' range."""
    eta = rng.uniform(-ETA_MAX, ETA_MAX, int(wanted * OVERSAMPLING) + SIZE)
    z = rng.normal(0.0, BEAM_SPOT_CM, len(eta))
    row = _barrel_row(np.sinh(eta) + z / EB_RADIUS_CM)
    aimed = np.flatnonzero((row > SEED - 2) & (row < EB_ROWS - SIZE + SEED + 3))[: wanted + SIZE]
    return 2.0 * np.arctan(np.exp(-eta[aimed])), z[aimed]


def _draw_constants(guns: int, rng: np.random.Generator) -> Constants:
    """Draw the constants of each event."""
    spreads = np.array([MATERIAL_SPREAD, RADIUS_SPREAD, NOISE_SPREAD])[:, None]
    return Constants(*np.exp(spreads * rng.standard_normal((3, guns))))


def _fire(theta: FloatArray, z: FloatArray, material: FloatArray, rng: np.random.Generator) -> Showers:
    """Shoot electrons and photons through the tracker at the crystals."""
    guns = len(theta)
    label, phi = rng.integers(0, 2, guns), rng.uniform(-math.pi, math.pi, guns)
    zero = np.zeros(guns)
    primaries = tracker.Particles(
        event=np.arange(guns),
        energy=PT_GEV / np.sin(theta),
        charge=label * rng.choice([-1.0, 1.0], guns),
        radius=zero,
        phi=phi,
        z=z,
        alpha=zero,
    )
    hits = tracker.traverse(primaries, theta, rng, material)
    row = _barrel_row(hits.z / EB_RADIUS_CM)
    column = hits.phi / CRYSTAL_PHI
    energy = hits.energy * _gap_response(row, column)
    return Showers(hits.event, energy, row, column, theta, phi, label)


def _barrel_row(slope: FloatArray) -> FloatArray:
    """Return the fractional row of the barrel image (0..170) of places with z / radius = `slope`."""
    eta = np.clip(np.arcsinh(slope), -2.9, 2.9)
    return ecal_place(eta, np.zeros_like(eta))[0] - EE_ROWS


def _gap_response(row: FloatArray, column: FloatArray) -> FloatArray:
    """Share of the energy that is seen next to the gaps between modules and supermodules."""
    distance_row = np.abs(row[:, None] - MODULE_ROWS).min(1)
    distance_column = np.abs((column / SUPERMODULE_COLUMNS + 0.5) % 1.0 - 0.5) * SUPERMODULE_COLUMNS
    loss = np.exp(-0.5 * (distance_row / GAP_WIDTH) ** 2) + np.exp(-0.5 * (distance_column / GAP_WIDTH) ** 2)
    return np.asarray(1.0 - GAP_LOSS * np.minimum(loss, 1.0))


def _canvas_origin(showers: Showers) -> tuple[IntArray, IntArray]:
    """First row and column of each event's canvas, at the edge of a tower, with the seed near the middle."""
    guns = len(showers.theta)
    reach = 4 * SIZE
    centre = np.floor(showers.phi / CRYSTAL_PHI).astype(np.int64)
    bins = np.floor(showers.column).astype(np.int64) - centre[showers.event] + reach // 2
    near = (bins >= 0) & (bins < reach)
    flat = np.bincount(showers.event[near] * reach + bins[near], showers.energy[near], guns * reach)
    profile = flat.reshape(guns, reach)
    column = profile.argmax(1) - reach // 2 + centre
    hottest = np.full(guns, EB_ROWS // 2)
    order = np.argsort(showers.energy, kind="stable")
    hottest[showers.event[order]] = np.floor(showers.row[order]).astype(np.int64)
    return _tower_edge(hottest), _tower_edge(column)


def _tower_edge(seed: IntArray) -> IntArray:
    """Largest edge of a tower that leaves at least SEED + 1 crystals before the seed."""
    return np.asarray((seed - SEED - 1) // readout.TOWER * readout.TOWER)


def _cut(image: NDArray[Any], row: IntArray, column: IntArray) -> NDArray[Any]:
    """Cut the crops (N, 32, 32) with (row, column) at (SEED, SEED); zero beyond the canvas."""
    pad = SIZE // 2
    padded = np.pad(image, ((0, 0), (pad, pad), (pad, pad)))
    rows = (row + pad - SEED)[:, None] + np.arange(SIZE)
    columns = (column + pad - SEED)[:, None] + np.arange(SIZE)
    events = np.arange(len(image))
    return np.asarray(padded[events[:, None, None], rows[:, :, None], columns[:, None, :]])


def _wrap(phi: FloatArray) -> FloatArray:
    return np.asarray((phi + math.pi) % (2.0 * math.pi) - math.pi)
