"""Four-vectors of jets from lists of particles: NumPy's reduceat on flat arrays, against awkward with vector.

Run: python test/benchmarks/jagged.py [JETS]
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from statistics import median

import awkward as ak
import numpy as np
import vector
from results import add_rows

from RecoE2E.ParticleViT.commands import cli
from RecoE2E.ParticleViT.ingest.render import Particles, jet_columns

REPETITIONS = 7
RESULTS = Path(__file__).with_name("results") / "jagged.csv"


def make_particles(jets: int) -> Particles:
    """Return jets of 50 particles on average, float32 as the files have them."""
    random = np.random.default_rng(1)
    offsets = np.concatenate([[0], np.cumsum(random.poisson(50, jets))])
    pt, eta, phi = (
        values.astype(np.float32)
        for values in (random.exponential(5, offsets[-1]), *random.normal(0, 0.3, (2, offsets[-1])))
    )
    return Particles(offsets, pt, eta, phi, pt * np.sinh(eta), pt * np.cosh(eta))


def with_awkward(particles: Particles) -> dict[str, np.ndarray]:
    """Return the same as `jet_columns`, by awkward and vector."""
    counts = np.diff(particles.offsets)
    fields = {"pt": particles.pt, "phi": particles.phi, "pz": particles.pz, "energy": particles.energy}
    double = {name: ak.unflatten(values.astype(np.float64), counts) for name, values in fields.items()}
    jets = ak.sum(ak.zip(double, with_name="Momentum4D", behavior=vector.backends.awkward.behavior), axis=1)
    columns = {"pt": jets.pt, "eta": jets.eta, "phi": jets.phi, "mass": jets.mass, "multiplicity": counts}
    return {name: np.asarray(values) for name, values in columns.items()}


def seconds(function, particles: Particles) -> float:
    """Return the processor time of a call."""
    begin = time.process_time()
    function(particles)
    return time.process_time() - begin


def main(jets: int) -> None:
    particles = make_particles(jets)
    own, other = jet_columns(particles), with_awkward(particles)
    for name, values in own.items():
        np.testing.assert_allclose(values, other[name], rtol=1e-5, atol=1e-3, err_msg=name)
    ratios, rates = [], []
    for _ in range(REPETITIONS):
        mine, theirs = seconds(jet_columns, particles), seconds(with_awkward, particles)
        ratios.append(theirs / mine)
        rates.append(jets / mine)
    row = {"jets": jets, "numpy_jets_per_second": round(median(rates)), "awkward_over_numpy": median(ratios)}
    cli.say(", ".join(f"{key} {value:.4g}" for key, value in row.items()))
    add_rows(RESULTS, [row], REPETITIONS)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
