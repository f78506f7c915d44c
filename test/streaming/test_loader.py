from __future__ import annotations

import numpy as np
import pytest
import torch

from RecoE2E.ParticleViT.errors import RecipeError, StoreError
from RecoE2E.ParticleViT.recipe import Transform
from RecoE2E.ParticleViT.streaming import StoreLoader, build_transforms

EVENTS = 25_000


def numbers(batch) -> np.ndarray:
    return (batch.images[:, 0, 0, 0] - 1).long().numpy()


def make(store, **options):
    return StoreLoader(store, "train", **{"batch_size": 256, "shuffle": True, "seed": 7, **options})


def test_unshuffled_order_is_the_store_s(numbered_store):
    loader = make(numbered_store, shuffle=False)
    batches = list(loader)
    assert len(batches) == len(loader) == 98
    np.testing.assert_array_equal(np.concatenate([numbers(b) for b in batches]), np.arange(EVENTS))
    assert batches[0].images.dtype == torch.float32
    assert batches[0].labels.dtype == torch.int64
    assert batches[0].weights.tolist() == [1.0] * 256
    assert (batches[3].images[:, 1, 2, 3] == -1).all()


def test_shuffled_epochs_see_every_event_once_and_differ(numbered_store):
    loader = make(numbered_store)
    epochs = []
    for epoch in range(2):
        loader.set_epoch(epoch)
        batches = list(loader)
        assert all((torch.from_numpy(numbers(b) % 2) == b.labels).all() for b in batches)
        epochs.append(np.concatenate([numbers(b) for b in batches]))
        np.testing.assert_array_equal(np.sort(epochs[-1]), np.arange(EVENTS))
    assert (epochs[0] != epochs[1]).mean() > 0.99
    loader.set_epoch(0)
    np.testing.assert_array_equal(np.concatenate([numbers(b) for b in loader]), epochs[0])


def test_shuffling_mixes_far_neighbours(numbered_store):
    order = np.concatenate([numbers(b) for b in make(numbered_store)])
    assert (
        abs(np.corrcoef(order[:-1], order[1:])[0, 1]) < 0.35
    )  # neighbours in the stream come from 16 blocks
    assert np.abs(np.diff(order)).mean() > EVENTS / 8


@pytest.mark.parametrize("workers", [1, 3])
def test_workers_do_not_change_the_batches(numbered_store, workers):
    alone = [numbers(b) for b in make(numbered_store, limit=3_000)]
    many = [numbers(b) for b in make(numbered_store, limit=3_000, workers=workers)]
    assert len(alone) == len(many)
    for a, b in zip(alone, many, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("world_size", [2, 3])
def test_ranks_share_every_global_batch(numbered_store, world_size):
    alone = [numbers(b) for b in make(numbered_store)]
    ranks = [list(make(numbered_store, rank=r, world_size=world_size)) for r in range(world_size)]
    for step, batch in enumerate(alone):
        shares = [numbers(rank[step]) for rank in ranks]
        np.testing.assert_array_equal(np.sort(np.concatenate(shares)), np.sort(batch))


def test_rank_without_events_gets_weight_zero(numbered_store):
    last = [list(make(numbered_store, limit=257, rank=r, world_size=2))[-1] for r in range(2)]
    assert [b.weights.tolist() for b in last] == [[1.0], [0.0]]


@pytest.mark.parametrize("workers", [0, 2])
def test_exact_resume_in_the_middle(numbered_store, workers):
    loader = make(numbered_store, workers=workers)
    loader.set_epoch(3)
    whole = [numbers(b) for b in loader]
    loader.set_start(61)
    rest = [numbers(b) for b in loader]
    assert len(rest) == len(whole) - 61
    for a, b in zip(whole[61:], rest, strict=True):
        np.testing.assert_array_equal(a, b)
    assert len([None for _ in loader]) == len(whole)


def test_limit_uses_the_first_events(numbered_store):
    loader = make(numbered_store, limit=1_000)
    np.testing.assert_array_equal(np.sort(np.concatenate([numbers(b) for b in loader])), np.arange(1_000))
    assert len(loader) == 4


@pytest.mark.parametrize(("skip", "limit"), [(0, 7), (3, 7), (95, 7), (40, 0), (33, 50)])
def test_skip_leaves_out_the_first_events(numbered_store, skip, limit):
    every = np.concatenate([numbers(one) for one in make(numbered_store, shuffle=False)])
    loader = make(numbered_store, shuffle=True, skip=skip, limit=limit)
    found = np.concatenate([numbers(one) for one in loader])
    expected = every[skip : skip + limit if limit else None]
    assert sorted(found.tolist()) == sorted(expected.tolist())
    assert loader.events == len(expected)


def test_unknown_split_and_transform(numbered_store):
    with pytest.raises(StoreError, match="no split 'tran'; did you mean 'train'"):
        StoreLoader(numbered_store, "tran", batch_size=1, shuffle=False, seed=0)
    with pytest.raises(RecipeError, match="training.augmentation 'nothing': unknown"):
        build_transforms([Transform("nothing")], numbered_store.image, numbered_store.classes)


def test_transforms_are_seeded_by_batch(numbered_store):
    class AddNoise:
        def __call__(self, batch, random):
            noise = torch.rand(batch.images.shape, generator=random)
            return batch._replace(images=batch.images + noise)

        def spec(self, image):
            return image

    options = {"limit": 2_000, "transforms": [AddNoise()]}
    loader = make(numbered_store, **options)
    whole = [b.images for b in loader]
    assert not torch.equal(whole[0][:, 1, 0, 0], whole[1][:, 1, 0, 0])
    loader.set_start(5)
    assert torch.equal(next(iter(loader)).images, whole[5])
    assert torch.equal(next(iter(make(numbered_store, workers=2, **options))).images, whole[0])
