from __future__ import annotations

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from RecoE2E.ParticleViT.store.sparse import SparseImages, index_dtype

VALUES = st.floats(-1e6, 1e6, width=32) | st.just(0.0)
IMAGES = hnp.arrays(np.float32, st.tuples(*[st.integers(0, 5), *[st.integers(1, 4)] * 3]), elements=VALUES)


@given(IMAGES)
def test_dense_round_trip(images):
    sparse = SparseImages.from_dense(images)
    assert len(sparse) == len(images)
    assert (sparse.value != 0).all()
    np.testing.assert_array_equal(sparse.to_dense(), images)
    np.testing.assert_array_equal(sparse.to_dense(out=np.full_like(images, 7)), images)


@given(IMAGES, st.data())
def test_take_slice_and_concatenate_agree_with_dense(images, data):
    sparse = SparseImages.from_dense(images)
    start = data.draw(st.integers(0, len(images)))
    stop = data.draw(st.integers(start, len(images)))
    np.testing.assert_array_equal(sparse.slice(start, stop).to_dense(), images[start:stop])
    parts = [sparse.slice(0, start), sparse.slice(start, stop), sparse.slice(stop, len(images))]
    np.testing.assert_array_equal(SparseImages.concatenate(parts).to_dense(), images)
    if len(images):
        picks = np.array(data.draw(st.lists(st.integers(0, len(images) - 1))), dtype=np.int64)
        np.testing.assert_array_equal(sparse.take(picks).to_dense(), images[picks])


def test_index_is_16_bit_wherever_it_fits():
    assert index_dtype((3, 125, 125)) is np.uint16
    assert index_dtype((1, 256, 256)) is np.uint16
    assert index_dtype((8, 125, 125)) is np.uint32
    image = np.zeros((1, 1, 256, 256), np.float32)
    image[..., -1, -1] = 2
    np.testing.assert_array_equal(SparseImages.from_dense(image).to_dense(), image)


def test_empty_and_mismatched_shapes():
    empty = SparseImages.empty((2, 3, 4))
    assert empty.to_dense().shape == (0, 2, 3, 4)
    with pytest.raises(ValueError, match="do not make one batch"):
        SparseImages.concatenate([empty, SparseImages.empty((1, 3, 4))])
