from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from RecoE2E.ParticleViT.errors import RecipeError
from RecoE2E.ParticleViT.ingest.render import (
    CHARGED,
    NEUTRAL_HADRON,
    OTHER,
    PHOTON,
    Particles,
    check_image,
    kinds_of_pdgid,
    render,
    segment_sum,
    wrap,
)
from RecoE2E.ParticleViT.ingest.sources.particles import make_particles
from RecoE2E.ParticleViT.recipe import Channel, Image

PT = Channel("pt")
COUNT = Channel("count", unit="1", weight="count")
ENERGY = Channel("energy", weight="energy")


def image(*alignment: str, channels=(PT, COUNT), size: int = 16, half: float = 0.8) -> Image:
    return Image(list(channels), size, size, half, half, list(alignment))


def particles(counts, seed: int = 1, spread: float = 0.1, eta: float = 0.3, phi: float = 1.0) -> Particles:
    random = np.random.default_rng(seed)
    total = int(np.sum(counts))
    values = {
        "pt": random.exponential(20, total) + 1,
        "eta": eta + random.normal(0, spread, total),
        "phi": phi + random.normal(0, spread, total),
    }
    return make_particles(np.concatenate([[0], np.cumsum(counts)]), values)


@given(st.lists(st.integers(0, 6), max_size=8))
def test_segment_sum_with_empty_segments(counts):
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    values = np.random.default_rng(0).normal(size=offsets[-1])
    expected = [values[a:b].sum() for a, b in pairwise(offsets)]
    np.testing.assert_allclose(segment_sum(values, offsets), expected, atol=1e-12)


@given(st.integers(1, 1000))
def test_window_keeps_the_sum_of_what_is_inside(seed):
    jets = particles([7, 0, 3, 12], seed, spread=0.05)
    images, columns = render(jets, image(channels=(PT, COUNT, ENERGY)))
    dense = images.to_dense()
    np.testing.assert_allclose(dense[:, 0].sum((1, 2)), segment_sum(jets.pt, jets.offsets), rtol=1e-5)
    np.testing.assert_allclose(dense[:, 1].sum((1, 2)), [7, 0, 3, 12])
    np.testing.assert_allclose(dense[:, 2].sum((1, 2)), segment_sum(jets.energy, jets.offsets), rtol=1e-5)
    np.testing.assert_array_equal(columns["multiplicity"], [7, 0, 3, 12])


def test_matches_a_plain_histogram():
    jets = particles([50, 40], spread=0.5)
    images, columns = render(jets, image())
    for jet in range(2):
        part = slice(jets.offsets[jet], jets.offsets[jet + 1])
        eta = jets.eta[part] - columns["eta"][jet]
        phi = wrap(jets.phi[part] - columns["phi"][jet])
        edges = np.linspace(-0.8, 0.8, 17)
        expected, _, _ = np.histogram2d(eta, phi, bins=(edges, edges), weights=jets.pt[part])
        np.testing.assert_allclose(images.to_dense()[jet, 0], expected, rtol=1e-5)


def test_images_do_not_depend_on_their_neighbours():
    many = particles([9, 30, 1, 17])
    whole, columns = render(many, image("centre", "rotate", "flip"))
    for jet in range(4):
        part = slice(many.offsets[jet], many.offsets[jet + 1])
        arrays = (many.pt[part], many.eta[part], many.phi[part], many.pz[part], many.energy[part])
        alone, column = render(
            Particles(np.array([0, part.stop - part.start]), *arrays), image("centre", "rotate", "flip")
        )
        np.testing.assert_array_equal(whole.slice(jet, jet + 1).value, alone.value)
        np.testing.assert_array_equal(whole.slice(jet, jet + 1).index, alone.index)
        assert columns["mass"][jet] == column["mass"][0]


@settings(max_examples=30)
@given(st.floats(-3, 3), st.floats(-2, 2), st.integers(0, 99))
def test_centred_images_do_not_move_with_the_jet(phi, eta, seed):
    steps = ("centre", "rotate", "flip")
    random = np.random.default_rng(seed)
    pt = random.exponential(20, 9) + 1
    x, y = random.normal(0, 0.1, (2, 9))
    base = _from_positions(pt, x, y)
    moved = _from_positions(pt, x + eta, y + phi)
    first, second = (render(jet, image(*steps, size=4))[0].to_dense() for jet in (base, moved))
    # up to particles on the edges of cells
    assert np.abs(first - second).sum() <= 2.01 * _near_edges(base, image(*steps, size=4))


def _from_positions(pt, eta, phi) -> Particles:
    return make_particles(np.array([0, len(pt)]), {"pt": pt, "eta": eta, "phi": wrap(phi)})


def _near_edges(jet: Particles, window: Image) -> float:
    """Sum of what particles within 1e-6 of a cell edge put into both channels."""
    from RecoE2E.ParticleViT.ingest.render import align

    x, y = align(jet.eta, jet.phi, jet.pt, jet.offsets, window.alignment)
    scale = window.height / (2 * window.eta_half_width)
    near = np.zeros(len(x), bool)
    for values in (x, y):
        place = (values + window.eta_half_width) * scale
        near |= np.abs(place - np.rint(place)) < 1e-6
    return float(jet.pt[near].sum() + near.sum() + 1e-3)


@given(st.floats(0, 6.28), st.integers(0, 99))
def test_rotation_and_flip_undo_a_rotated_jet(angle, seed):
    random = np.random.default_rng(seed)
    x, y = random.normal(0, 0.2, 12), random.normal(0, 0.05, 12)
    pt = random.exponential(20, 12) + 1
    cos, sin = np.cos(angle), np.sin(angle)
    from RecoE2E.ParticleViT.ingest.render import align

    offsets = np.array([0, 12])
    steps = ["centre", "rotate", "flip"]
    first = align(x, y, pt, offsets, steps)
    second = align(cos * x - sin * y, sin * x + cos * y, pt, offsets, steps)
    np.testing.assert_allclose(first, second, atol=1e-6)
    assert (first[0] ** 2 * pt).sum() >= (first[1] ** 2 * pt).sum()
    for axis in first:
        assert (np.sign(axis) * pt).sum() >= 0


def test_phi_wraps_around_the_jet():
    jet = _from_positions(np.array([10.0, 10.0]), np.zeros(2), np.array([3.1, -3.1]))
    dense = render(jet, image())[0].to_dense()
    assert dense[0, 1].sum() == 2


def test_four_vector_conventions_agree():
    random = np.random.default_rng(3)
    pt, eta, phi = random.exponential(10, 50) + 1, random.normal(size=50), random.uniform(-3, 3, 50)
    offsets = np.array([0, 20, 50])
    polar = make_particles(offsets, {"pt": pt, "eta": eta, "phi": phi})
    rapid = make_particles(offsets, {"pt": pt, "rapidity": eta, "phi": phi})  # massless: the same
    cartesian = make_particles(
        offsets,
        {
            "px": pt * np.cos(phi),
            "py": pt * np.sin(phi),
            "pz": pt * np.sinh(eta),
            "energy": pt * np.cosh(eta),
        },
    )
    for other in (rapid, cartesian):
        for name in ("pt", "eta", "phi", "pz", "energy"):
            np.testing.assert_allclose(getattr(other, name), getattr(polar, name), rtol=1e-9, atol=1e-9)
    massive = make_particles(offsets, {"pt": pt, "rapidity": eta, "phi": phi, "mass": np.full(50, 0.14)})
    np.testing.assert_allclose(
        0.5 * np.log((massive.energy + massive.pz) / (massive.energy - massive.pz)), eta
    )


def test_jet_columns_of_a_known_jet():
    jet = _from_positions(np.array([50.0, 50.0]), np.zeros(2), np.array([0.1, -0.1]))
    columns = render(jet, image())[1]
    assert columns["pt"][0] == pytest.approx(100 * np.cos(0.1))
    assert columns["mass"][0] == pytest.approx(100 * np.sin(0.1))
    assert columns["phi"][0] == pytest.approx(0, abs=1e-12)


def test_kinds_of_pdg_ids():
    expected = {
        211: CHARGED, -211: CHARGED, 321: CHARGED, 2212: CHARGED, -11: CHARGED, 13: CHARGED, 3112: CHARGED,
        3222: CHARGED, 3312: CHARGED, 3334: CHARGED, 411: CHARGED, 22: PHOTON, 130: NEUTRAL_HADRON,
        310: NEUTRAL_HADRON, 2112: NEUTRAL_HADRON, -2112: NEUTRAL_HADRON, 3122: NEUTRAL_HADRON,
        3322: NEUTRAL_HADRON, 12: OTHER, -14: OTHER, 1: NEUTRAL_HADRON, 2: PHOTON, 0: OTHER,
    }  # fmt: skip
    np.testing.assert_array_equal(kinds_of_pdgid(np.array(list(expected))), list(expected.values()))


def test_channels_take_their_kind_of_particle():
    values = {"pt": np.array([1.0, 2.0, 4.0, 8.0]), "eta": np.zeros(4), "phi": np.zeros(4)}
    jet = make_particles(np.array([0, 4]), {**values, "pdgid": np.array([211, 22, 130, 12])})
    kinds = [Channel(kind, particles=kind) for kind in ("all", "charged", "photon", "neutral_hadron")]
    assert render(jet, image(channels=kinds))[0].to_dense().sum((2, 3)).tolist() == [[15, 1, 2, 4]]


def test_charge_instead_of_pdg_id():
    values = {"pt": np.ones(3), "eta": np.zeros(3), "phi": np.zeros(3)}
    jet = make_particles(np.array([0, 3]), {**values, "charge": np.array([1, 0, -1])})
    assert jet.kind.tolist() == [CHARGED, NEUTRAL_HADRON, CHARGED]


def test_padding_without_momentum_is_dropped():
    values = {name: np.array([0.0, 3.0, 0.0]) for name in ("px", "py", "pz", "energy")}
    jets = make_particles(np.array([0, 2, 3]), values)
    assert jets.offsets.tolist() == [0, 1, 1]


def test_recipe_mistakes_are_named():
    check_image(image("centre", "flip"), kinds_known=False)
    with pytest.raises(RecipeError, match="neither pdgid nor charge"):
        check_image(image(channels=[Channel("x", particles="photon")]), kinds_known=False)
