"""Proton collisions from Pythia 8: two quarks or two gluons, as stable particles with their vertices."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

GLUON = 21
LARGEST_SEED = 900_000_000  # of Pythia
HARD_PARTON = -23  # status of the outgoing partons of the hard process
PROCESSES = (  # what gives two gluons, and what gives two quarks
    ("HardQCD:gg2gg", "HardQCD:qqbar2gg"),
    ("HardQCD:gg2qqbar", "HardQCD:qq2qq", "HardQCD:qqbar2qqbarNew"),
)
# The public jets: 8 TeV, pT of the hard process 90-170 GeV, spectrum made flat (Andrews et al., NIM A 977
# (2020) 164304); here by generating with a weight pT^power. Particles decay inside of the calorimeters, as
# far as Pythia decays them at all (not pi+-, K+-, K0L, n, mu).
HARD = (
    "PhaseSpace:pTHatMin = 90.",
    "PhaseSpace:pTHatMax = 170.",
    "PhaseSpace:bias2Selection = on",
    "PhaseSpace:bias2SelectionPow = 4.5",
    "PhaseSpace:bias2SelectionRef = 90.",
)
PILE_UP = ("SoftQCD:inelastic = on",)
COMMON = (
    "Beams:eCM = 8000.",
    "ParticleDecays:limitCylinder = on",
    "ParticleDecays:xyMax = 1290.",
    "ParticleDecays:zMax = 3154.",
    "Print:quiet = on",
    "Random:setSeed = on",
)
CHARGES = {11: -1, 13: -1, 211: 1, 321: 1, 2212: 1, 3112: -1, 3222: 1, 3312: -1, 3334: -1}
NEUTRINOS = (12, 14, 16)
MM_PER_CM = 10.0


class Particles(NamedTuple):
    """Stable visible particles (P,) of some collisions, collision by collision."""

    event: IntArray
    pdg: IntArray
    charge: IntArray
    px: FloatArray  # GeV
    py: FloatArray
    pz: FloatArray
    energy: FloatArray
    x: FloatArray  # production vertex, cm
    y: FloatArray
    z: FloatArray


class Partons(NamedTuple):
    """The two outgoing partons (N, 2) of each hard process."""

    gluon: NDArray[np.bool_]
    eta: FloatArray
    phi: FloatArray


class Dijets:
    """A source of collisions, half with two outgoing gluons and half with two outgoing quarks."""

    def __init__(self, pile_up: float = 0.0) -> None:
        """Start the generators.

        Args:
            pile_up: mean number of inelastic collisions beside each of these (Poisson).

        Raises:
            InputError: pythia8mc is not installed or cannot be used.
        """
        module = load()
        self.pile_up = pile_up
        self._hard = [_start(module, [*HARD, *(f"{name} = on" for name in names)]) for names in PROCESSES]
        self._soft = _start(module, list(PILE_UP)) if pile_up else None

    def seed(self, rng: np.random.Generator) -> None:
        """Let what follows depend on `rng` only, not on what was drawn before."""
        for generator in (*self._hard, *([self._soft] if self._soft else [])):
            generator.rndm.init(int(rng.integers(1, LARGEST_SEED)))

    def next(
        self, collisions: int, rng: np.random.Generator, beam_spot_cm: float = 0.0
    ) -> tuple[Particles, Partons]:
        """Return the next `collisions` (an even number), quarks and gluons in random order.

        Args:
            collisions: how many.
            rng: of their order, their pile-up and their vertices.
            beam_spot_cm: rms length of the luminous region along the beam.

        Raises:
            InputError: Pythia gives up.
        """
        parts = [_batch(generator, collisions // 2) for generator in self._hard]
        record = ak.concatenate(parts)[rng.permutation(2 * (collisions // 2))]
        particles = _moved(_particles(record[record["status"] > 0]), rng, beam_spot_cm)
        if self._soft is not None:
            soft = self._beside(rng.poisson(self.pile_up, len(record)), rng, beam_spot_cm)
            particles = _joined(particles, soft)
        return particles, _partons(record[record["status"] == HARD_PARTON])

    def _beside(self, counts: IntArray, rng: np.random.Generator, beam_spot_cm: float) -> Particles:
        """Return the particles of `counts` inelastic collisions beside each collision."""
        record = _batch(self._soft, int(counts.sum()))
        soft = _moved(_particles(record[record["status"] > 0]), rng, beam_spot_cm)
        return soft._replace(event=np.repeat(np.arange(len(counts)), counts)[soft.event])


def _batch(generator: Any, count: int) -> ak.Array:
    found = generator.nextBatch(count)
    if len(found) != count:
        raise InputError("Pythia 8 gives up on too many events; choose another seed")
    return found["prt"]


def _moved(particles: Particles, rng: np.random.Generator, beam_spot_cm: float) -> Particles:
    """Move each collision along the beam."""
    if not len(particles.event):
        return particles
    shift = rng.normal(0.0, beam_spot_cm, int(particles.event.max()) + 1)
    return particles._replace(z=particles.z + shift[particles.event])


def _joined(first: Particles, second: Particles) -> Particles:
    """Join particles, collision by collision."""
    both = [np.concatenate(columns) for columns in zip(first, second, strict=True)]
    order = np.argsort(both[0], kind="stable")
    return Particles(*(column[order] for column in both))


def load() -> Any:
    """Import Pythia 8.

    On import it runs every file of a folder `python` where the process stands, such as this package's own
    source, and fails; so it is imported in an empty folder.

    Raises:
        InputError: it is not installed.
    """
    try:
        with _empty_folder():
            return import_module("pythia8mc")
    except ModuleNotFoundError as error:
        msg = "quark_gluon needs pythia8mc, which is not installed; pip install 'particlevit[sim]'"
        raise InputError(msg) from error


@contextmanager
def _empty_folder() -> Iterator[None]:
    here = os.getcwd()  # noqa: PTH109
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(here)


def _start(module: Any, settings: list[str]) -> Any:
    try:
        generator = module.Pythia("", False)
        refused = [text for text in (*COMMON, *settings) if not generator.readString(text)]
        started = not refused and generator.init()
    except RuntimeError as error:
        msg = f"Pythia 8 cannot start ({' '.join(str(error).split())}); is PYTHIA8DATA that of pythia8mc?"
        raise InputError(msg) from error
    if not started:
        reason = f"it knows no setting '{refused[0]}'" if refused else "its messages stand above"
        msg = (
            f"Pythia 8 cannot start: {reason}; is PYTHIA8DATA set, or another version of pythia8mc installed?"
        )
        raise InputError(msg)
    return generator


def _particles(final: ak.Array) -> Particles:
    final = final[~_is_any(final["id"], NEUTRINOS)]
    event = np.repeat(np.arange(len(final)), ak.to_numpy(ak.num(final)))
    flat = ak.flatten(final)
    pdg = ak.to_numpy(flat["id"]).astype(np.int64)
    charge = np.zeros(len(pdg), np.int64)
    for code, sign in CHARGES.items():
        charge[np.abs(pdg) == code] = sign
    momentum = [ak.to_numpy(flat["p", axis]).astype(np.float64) for axis in ("px", "py", "pz", "e")]
    vertex = [ak.to_numpy(ak.fill_none(flat["vProd"][axis], 0.0)) / MM_PER_CM for axis in ("px", "py", "pz")]
    return Particles(event, pdg, charge * np.sign(pdg), *momentum, *vertex)


def _is_any(ids: ak.Array, codes: tuple[int, ...]) -> ak.Array:
    result = abs(ids) == codes[0]
    for code in codes[1:]:
        result = result | (abs(ids) == code)
    return result


def _partons(record: ak.Array) -> Partons:
    pdg = ak.to_numpy(record["id"])  # (N, 2): a regular array
    px, py, pz = (ak.to_numpy(record["p", axis]) for axis in ("px", "py", "pz"))
    return Partons(pdg == GLUON, np.arcsinh(pz / np.hypot(px, py)), np.arctan2(py, px))
