from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import strategies as st

from RecoE2E.ParticleViT.exploration.statistics import Chunk
from RecoE2E.ParticleViT.store import ChannelSpec, Grid, ImageSpec, SparseImages

CLASSES = 3


def _spec(**window) -> ImageSpec:
    channels = ChannelSpec("energy", "GeV", "energy"), ChannelSpec("time", "ns", "time")
    return ImageSpec(channels, 3, 4, (1, 2), Grid("eta_phi", **window) if window else Grid("crystals"))


@st.composite
def _events(draw):
    """Dense images (N, 2, 3, 4) with many zeros, labels, and where to cut them into chunks."""
    number = draw(st.integers(0, 12))
    random = np.random.default_rng(draw(st.integers(0, 1000)))
    images = random.normal(0, 10, (number, 2, 3, 4)).astype(np.float32)
    images[:, 0] = np.abs(images[:, 0])
    images[random.random(images.shape) < draw(st.sampled_from([0.0, 0.6, 0.95, 1.0]))] = 0
    cuts = sorted(draw(st.lists(st.integers(0, number), max_size=3)))
    return images, random.integers(0, CLASSES, number), [0, *cuts, number]


@pytest.fixture(scope="session")
def event_strategy():
    return _events()


@pytest.fixture(scope="session")
def spec():
    return _spec


@pytest.fixture(scope="session")
def make_chunks():
    """Cut dense images into chunks; `parts` names the part of each chunk."""

    def cut(images, labels, cuts, parts=None, columns=None):
        for k, (start, stop) in enumerate(itertools.pairwise(cuts)):
            some = {name: column[start:stop] for name, column in (columns or {}).items()}
            part = "all" if parts is None else parts[k]
            yield Chunk(SparseImages.from_dense(images[start:stop]), labels[start:stop], some, part)

    return cut
