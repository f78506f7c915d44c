from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from RecoE2E.ParticleViT.exploration.quality import (
    BadValues,
    Hashes,
    clean,
    compare_classes,
    gluon_like,
    image_hashes,
)
from RecoE2E.ParticleViT.exploration.statistics import Features
from RecoE2E.ParticleViT.store import SparseImages


@given(st.lists(st.integers(0, 6), max_size=30), st.integers(0, 30), st.integers(0, 30))
def test_repeats_are_those_that_a_dictionary_finds(make_chunks, numbers, one, two):
    kinds = np.random.default_rng(5).random((7, 2, 3, 4)).astype(np.float32)
    kinds[0] = 0  # empty images do not count
    labels = np.array([(number * 3 + k) % 2 for k, number in enumerate(numbers)], np.int64)
    cuts = [0, *sorted(min(cut, len(numbers)) for cut in (one, two)), len(numbers)]
    hashes = Hashes()
    for chunk in make_chunks(kinds[numbers], labels, cuts, ["train", "validation", "test"]):
        hashes.update(chunk)
    found = hashes.finish()
    seen = {n: [k for k, m in enumerate(numbers) if m == n] for n in set(numbers) - {0}}
    repeated = [places for places in seen.values() if len(places) > 1]
    assert found.distinct == len(repeated)
    assert found.surplus == sum(len(places) - 1 for places in repeated)
    assert found.conflicting == sum(len({int(labels[k]) for k in places}) > 1 for places in repeated)
    held = [set(numbers[a:b]) - {0} for a, b in itertools.pairwise(cuts)]
    names = ("train", "validation", "test")
    shared = {(names[a], names[b]): len(held[a] & held[b]) for a, b in ((0, 1), (0, 2), (1, 2))}
    assert found.shared == {pair: count for pair, count in shared.items() if count}


def test_hashes_tell_images_apart():
    images = np.zeros((4, 1, 3, 3), np.float32)
    images[0, 0, 0, 0], images[1, 0, 0, 1] = 1, 1  # the same value elsewhere
    images[2, 0, 0, 0] = np.nextafter(np.float32(1), np.float32(2))
    hashes = image_hashes(SparseImages.from_dense(images))
    assert len(set(hashes.tolist())) == 4
    assert hashes[3] == 0
    np.testing.assert_array_equal(image_hashes(SparseImages.from_dense(images[::-1].copy())), hashes[::-1])


def test_bad_values_are_counted_and_cleaned_away(spec, make_chunks):
    images = np.ones((5, 2, 3, 4), np.float32)
    images[0, 0, 0, :2] = np.nan
    images[1, 1, 0, 0] = np.inf
    images[2, :, 0, 0] = -1  # a negative time is none
    images[3] = 0
    labels = np.array([0, 1, 0, 1, 7])
    columns = {"pt": np.array([1, np.nan, np.nan, 1, 1]), "entry": np.arange(5)}
    (chunk,) = make_chunks(images, labels, [0, 5], columns=columns)
    bad = BadValues(spec(), 2)
    bad.update(chunk)
    assert {name: count for name, count in bad.finish().items() if count} == {
        "images with NaN or infinite cells": 2,
        "empty images": 1,
        "labels outside the classes": 1,
        "cells: NaN in energy": 2,
        "cells: infinite in time": 1,
        "cells: negative in energy": 1,
        "missing values of pt": 2,
    }
    cleaned = clean(chunk, 2)
    assert cleaned.labels.tolist() == [0, 1, 0, 1]
    assert np.isfinite(cleaned.images.to_dense()).all()
    np.testing.assert_array_equal(cleaned.columns["entry"], np.arange(4))


def sample(*columns: np.ndarray, name: str = "pt") -> Features:
    return Features({name: list(columns)}, [len(c) for c in columns], [len(c) for c in columns], "rad")


@pytest.mark.parametrize(("shift", "unbalanced"), [(0.0, False), (0.01, False), (0.3, True)])
def test_spectra_are_compared(shift, unbalanced):
    random = np.random.default_rng(2)
    features = sample(random.normal(0, 1, 20_000), random.normal(shift, 1, 20_000))
    (found,) = compare_classes(features, ["pt", "eta"])
    assert found.quantity == "pt"
    assert found.unbalanced == unbalanced


def test_each_of_three_classes_is_compared_with_the_others():
    random = np.random.default_rng(2)
    features = sample(*(random.normal(mean, 1, 5000) for mean in (0, 0, 2)))
    found = compare_classes(features, ["pt"])
    assert [test.label for test in found] == [0, 1, 2]
    assert found[2].distance > found[0].distance


@pytest.mark.parametrize(
    ("multiplicity", "width", "label"),
    [
        ((30, 50), (0.1, 0.2), 1),
        ((50, 30), (0.2, 0.1), 0),
        ((30, 50), (0.2, 0.1), None),
        ((30, 50), (0.1, 0.1), 1),
    ],
)
def test_the_gluon_is_the_class_with_more_and_wider(multiplicity, width, label):
    random = np.random.default_rng(4)
    values = {
        "multiplicity": [random.poisson(mean, 500).astype(float) for mean in multiplicity],
        "width": [random.normal(mean, 0.05, 500) for mean in width],
    }
    verdict = gluon_like(Features(values, [500, 500], [500, 500], "rad"))
    assert verdict.label == label


def test_nothing_looks_like_the_gluon_where_nothing_differs():
    values = {"multiplicity": [np.full(9, 10.0)] * 2, "width": [np.full(9, np.nan)] * 2}
    assert gluon_like(Features(values, [9, 9], [9, 9], "rad")).label is None
