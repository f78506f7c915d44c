from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from RecoE2E.ParticleViT.errors import InputError
from RecoE2E.ParticleViT.ingest.hashing import choose, event_hash, file_hash, order_hash


def test_hash_is_frozen():
    """Stores made by different versions must agree on the splits: these numbers may never change."""
    values = event_hash("a.root", np.array([0, 1, 2**40]), seed=42)
    assert values.tolist() == [15020520920175415895, 6588644404113354670, 15731724603430991651]


@given(st.integers(0, 2**31), st.integers(0, 1000))
def test_hash_of_an_entry_does_not_depend_on_its_neighbours(entry, length):
    alone = event_hash("x.root", np.array([entry]), 1)[0]
    assert event_hash("x.root", np.arange(entry, entry + length + 1), 1)[0] == alone


def test_hash_depends_on_file_and_seed():
    entries = np.arange(100)
    a = event_hash("a.root", entries, 1)
    assert not np.intersect1d(a, event_hash("b.root", entries, 1)).size
    assert not np.intersect1d(a, event_hash("a.root", entries, 2)).size


def test_shares_follow_the_fractions():
    numbers = choose(event_hash("a.root", np.arange(200_000), 42), [0.8, 0.15, 0.05])
    shares = np.bincount(numbers) / 200_000
    np.testing.assert_allclose(shares, [0.8, 0.15, 0.05], atol=0.004)
    neighbours = np.corrcoef(numbers[:-1], numbers[1:])[0, 1]
    assert abs(neighbours) < 0.01


def test_a_split_without_share_gets_nothing():
    numbers = choose(event_hash("a.root", np.arange(10_000), 42), [0.9, 0.1, 0.0])
    assert set(numbers.tolist()) == {0, 1}
    assert set(choose(np.array([0, 2**64 - 1], np.uint64), [0.0, 0.0, 1.0]).tolist()) == {2}


def test_jets_of_one_entry_share_the_split_but_not_the_place():
    entries = np.array([3, 3, 3, 4, 9, 9])
    hashes = event_hash("a.root", entries, 42)
    keys = order_hash(hashes, entries)
    assert len(set(keys.tolist())) == 6
    np.testing.assert_array_equal(order_hash(hashes[3:], entries[3:]), keys[3:])


def test_file_hash(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    assert file_hash(tmp_path / "x").startswith("ba7816bf8f01cfea")
    with pytest.raises(InputError, match="not readable"):
        file_hash(tmp_path / "y")
