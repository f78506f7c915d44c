from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from RecoE2E.ParticleViT.exploration.statistics import (
    ClassCounts,
    FeatureSample,
    MeanImages,
    Reservoir,
    Spectra,
)

CLASSES = 3


def test_accumulators_agree_with_numpy_however_the_events_are_cut(event_strategy, spec, make_chunks):
    @given(event_strategy)
    def check(events):
        images, labels, cuts = events
        counts, means, spectra = (
            ClassCounts(CLASSES),
            MeanImages(CLASSES, (2, 3, 4)),
            Spectra(CLASSES, spec()),
        )
        for chunk in make_chunks(images, labels, cuts):
            for accumulator in (counts, means, spectra):
                accumulator.update(chunk)
        assert counts.finish()["all"] == [int((labels == k).sum()) for k in range(CLASSES)]
        for k in range(CLASSES):
            own = images[labels == k].astype(float)
            expected = own.mean(axis=0) if len(own) else np.zeros((2, 3, 4))
            np.testing.assert_allclose(means.finish()[k], expected, rtol=1e-6, atol=1e-9)
            for channel in range(2):
                for sign, factor in enumerate((1, -1)):
                    cells = factor * own[:, channel]
                    histogram, _ = np.histogram(cells[cells > 0], spectra.edges)
                    np.testing.assert_array_equal(spectra.finish()[k, channel, sign], histogram)

    check()


def test_cells_beyond_the_spectrum_go_to_its_ends(spec, make_chunks):
    images = np.zeros((1, 2, 3, 4), np.float32)
    images[0, 0, 0, :2] = 1e-9, 1e9
    spectra = Spectra(1, spec())
    for chunk in make_chunks(images, np.zeros(1, np.int64), [0, 1]):
        spectra.update(chunk)
    assert spectra.finish()[0, 0, 0, [0, -1]].tolist() == [1, 1]


@given(st.lists(st.integers(0, 30), max_size=6), st.integers(1, 40))
def test_a_reservoir_keeps_all_or_as_many_as_fit(sizes, capacity):
    reservoir, total = Reservoir(capacity), sum(sizes)
    ends = np.cumsum([0, *sizes])
    for start, stop in itertools.pairwise(ends):
        reservoir.update(np.arange(start, stop, dtype=float)[:, np.newaxis])
    kept = reservoir.finish()[:, 0] if sizes else np.zeros(0)
    assert reservoir.seen == total
    assert len(kept) == min(total, capacity)
    assert (np.diff(kept) > 0).all()


def test_a_reservoir_is_fair():
    reservoir = Reservoir(5_000, seed=3)
    for start in range(0, 100_000, 1000):
        reservoir.update(np.arange(start, start + 1000, dtype=float)[:, np.newaxis])
    counts, _ = np.histogram(reservoir.finish(), 10, (0, 100_000))
    assert np.abs(counts - 500).max() < 5 * np.sqrt(500)


def test_a_sample_holds_features_and_columns_of_each_class(spec, make_chunks):
    random = np.random.default_rng(1)
    images = random.random((20, 2, 3, 4)).astype(np.float32)
    labels = np.arange(20) % 2
    columns = {
        "pt": np.arange(20.0),
        "entry": np.arange(20),
        "file": np.array(["name"] * 20),
        "multiplicity": np.arange(20),
    }
    sample = FeatureSample(2, spec())
    for chunk in make_chunks(images, labels, [0, 7, 20], columns=columns):
        sample.update(chunk)
    found = sample.finish()
    assert found.seen == found.sampled == [10, 10]
    np.testing.assert_array_equal(found.values["pt"][1], np.arange(1.0, 20, 2))
    np.testing.assert_array_equal(found.values["multiplicity"][0], np.arange(0, 20, 2))  # the column's
    assert not {"file", "entry"} & set(found.values)
    assert found.values["cells_time"][0].tolist() == [12] * 10
    assert found.values["sum"][0][0] == pytest.approx(images[0, 0].sum(), rel=1e-6)
    assert found.unit == "cells"
