"""Quark and gluon jets in the whole CMS detector: images of tracks, ECAL and HCAL around the jet.

Dijets of Pythia 8 (two quarks or two gluons, in equal numbers), anti-kT jets with R = 0.4 of what the
detector measures, each matched to an outgoing parton of the hard process. The selection is that of the public
jets (Andrews et al., NIM A 977 (2020) 164304: the two leading jets, pT > 70 GeV, |eta| < 1.8).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from itertools import count
from multiprocessing import get_context
from typing import Any, NamedTuple

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry.cells import hbhe_cells
from ..geometry.seeds import crystal_of_tower, find_jet_seed
from ..geometry.windows import Window, crop_many, upsample_hbhe, windows_inside
from .pythia import Dijets, Particles, Partons, load
from .response import Images, fill, measure

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

SIZE = 125  # crystals on a side of the crop
WINDOW = Window(SIZE, SIZE, SIZE // 2, SIZE // 2)
CHANNELS = 3  # tracks, ECAL, HCAL
RADIUS = 0.4
PT_MIN_GEV = 70.0
ETA_MAX = 1.8
MATCH = 0.3  # largest distance between jet and parton
LEADING = 2  # jets of a collision
BEAM_SPOT_CM = 5.0  # rms length of the luminous region
CHUNK = 32  # collisions with one seed of their own: results do not depend on how many are asked for at once


class Jets(NamedTuple):
    """Selected jets (J,), collision by collision."""

    event: IntArray  # index of the collision in its chunk
    row: IntArray  # seed tower in the HBHE image, 0..55
    column: IntArray  # 0..71
    pt: FloatArray  # GeV
    mass: FloatArray  # GeV
    quark: IntArray  # 1 = quark, 0 = gluon


class Collisions(NamedTuple):
    """Collisions and their jets."""

    images: Images
    jets: Jets


def chunks(jets: int, seed: int, pile_up: float = 0.0, workers: int = 1) -> Iterator[Collisions]:
    """Yield collisions with `jets` jets in all; collisions without a selected jet are left out.

    The first n jets are the same whatever the number asked for, and for any number of workers.

    Args:
        jets: how many jets.
        seed: of the random numbers.
        pile_up: mean number of collisions beside each one that has the jets.
        workers: processes that simulate.

    Raises:
        InputError: `jets` is below one, the seed or the pile-up negative, or pythia8mc or fastjet missing.
    """
    if jets < 1 or seed < 0:
        raise InputError(f"cannot simulate {jets} events with seed {seed}; give at least one, a seed >= 0")
    if pile_up < 0:
        raise InputError(f"pile-up is {pile_up}; give a mean of 0 or more collisions")
    _fastjet()
    load()  # what is missing is said here, not by a worker
    missing = jets
    for collisions in _stream(seed, pile_up, workers):
        found = _with_jets(collisions, missing)
        missing -= len(found.jets.pt)
        if len(found.jets.pt):
            yield found
        if missing <= 0:
            return


def _stream(seed: int, pile_up: float, workers: int) -> Iterator[Collisions]:
    """Yield chunk after chunk without end, made by this process or by several."""
    if workers == 1:
        source = Dijets(pile_up)
        yield from (_collide(source, _random(seed, index)) for index in count())
        return
    pool = ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_start, initargs=(pile_up,)
    )
    try:
        ahead = deque(pool.submit(_chunk, seed, index) for index in range(2 * workers))
        for index in count(2 * workers):
            yield ahead.popleft().result()
            ahead.append(pool.submit(_chunk, seed, index))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


_SOURCES: list[Dijets] = []  # of a worker process: one


def _start(pile_up: float) -> None:
    _SOURCES.append(Dijets(pile_up))


def _chunk(seed: int, index: int) -> Collisions:
    return _collide(_SOURCES[0], _random(seed, index))


def _random(seed: int, index: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(index,)))


def crops(collisions: Collisions) -> NDArray[np.float32]:
    """Return the images (J, 3, 125, 125) of tracks pT, ECAL and HCAL energy (GeV) around the jets' seeds."""
    images, jets = collisions
    rows, columns = crystal_of_tower(jets.row), crystal_of_tower(jets.column)
    layers = (images.tracks, images.ecal, upsample_hbhe(images.hbhe))
    return np.stack([crop_many(layer, rows, columns, WINDOW, jets.event) for layer in layers], axis=1)


def _collide(source: Dijets, rng: np.random.Generator) -> Collisions:
    source.seed(rng)
    particles, partons = source.next(CHUNK, rng, BEAM_SPOT_CM)
    measured = measure(particles, rng)
    images = fill(particles, measured, CHUNK, rng)
    pt, eta, phi, mass = _cluster(particles, measured.energy)
    quark, matched = _match(eta, phi, partons)
    event, order = np.nonzero((pt > PT_MIN_GEV) & (np.abs(eta) < ETA_MAX) & matched)
    chosen = (event, order)
    row, column = _seeds(images.hbhe, event, eta[chosen], phi[chosen])
    jets = Jets(event, row, column, pt[chosen], mass[chosen], quark[chosen])
    inside = windows_inside(crystal_of_tower(row), WINDOW)
    return Collisions(images, Jets._make(values[inside] for values in jets))


def _with_jets(found: Collisions, most: int) -> Collisions:
    """Keep the first `most` jets, and only the collisions that have any."""
    jets = Jets._make(values[:most] for values in found.jets)
    kept, event = np.unique(jets.event, return_inverse=True)
    images = Images._make(image[kept] for image in found.images)
    return Collisions(images, jets._replace(event=event))


def _cluster(particles: Particles, energy: FloatArray) -> tuple[FloatArray, ...]:
    """Return pt, eta, phi, mass (N, 2) of the leading jets of measured particles; NaN for none."""
    fastjet = _fastjet()
    seen = energy > 0
    scale = energy[seen] / particles.energy[seen]
    axes = {"px": particles.px, "py": particles.py, "pz": particles.pz, "E": particles.energy}
    flat = ak.zip({name: values[seen] * scale for name, values in axes.items()})
    counts = np.bincount(particles.event[seen], minlength=CHUNK)
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, RADIUS)
    jets = fastjet.ClusterSequence(ak.unflatten(flat, counts), definition).inclusive_jets(min_pt=10.0)
    jets = jets[ak.argsort(jets.px**2 + jets.py**2, ascending=False)]
    leading = ak.pad_none(jets, LEADING, clip=True)
    px, py, pz, total = (ak.to_numpy(ak.fill_none(leading[name], np.nan)) for name in axes)
    pt = np.hypot(px, py)
    mass = np.sqrt(np.maximum(total**2 - pt**2 - pz**2, 0.0))
    return pt, np.arcsinh(pz / pt), np.arctan2(py, px), mass


def _match(eta: FloatArray, phi: FloatArray, partons: Partons) -> tuple[IntArray, NDArray[np.bool_]]:
    """Return the kind (1 = quark) of the parton nearest to each jet (N, 2), and whether it is near enough."""
    turn = phi[:, :, None] - partons.phi[:, None, :]
    turn = (turn + np.pi) % (2.0 * np.pi) - np.pi
    distance = np.nan_to_num(np.hypot(eta[:, :, None] - partons.eta[:, None, :], turn), nan=np.inf)
    quark = np.take_along_axis(~partons.gluon, distance.argmin(2), 1)
    return quark.astype(np.int64), distance.min(2) < MATCH


def _seeds(
    hbhe: NDArray[np.float32], event: IntArray, eta: FloatArray, phi: FloatArray
) -> tuple[IntArray, ...]:
    """Return row and column of the hottest tower near each jet axis."""
    rows, columns = hbhe_cells(eta, phi)
    seeds = [
        find_jet_seed(hbhe[n], int(row), int(column))
        for n, row, column in zip(event, rows, columns, strict=True)
    ]
    row, column = np.array(seeds, np.int64).reshape(-1, 2).T
    return row, column


def _fastjet() -> Any:
    try:
        return import_module("fastjet")
    except ModuleNotFoundError as error:
        msg = "quark_gluon needs fastjet, which is not installed; pip install 'particlevit[sim]'"
        raise InputError(msg) from error
