"""Stream shuffled batches from a store, with flat memory and an order that can be repeated and resumed."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from ..store import Events, Store
from ..store.sparse import Array
from .order import SOFT_LABELS, Buffers, Order, make_order
from .registry import BatchTransform, TensorBatch, generator
from .reweighting import Reweight
from .transforms import apply_transforms


class StoreLoader:
    """Batches of one split of a store; iterating gives one epoch of `TensorBatch`.

    The global batches depend on (store, seed, epoch, batch_size) only: rank r takes the rows r::world_size of
    each, worker w the batches w::workers. A rank whose share of the last batch would be empty gets one event
    with weight 0, so that all ranks take the same number of steps. Transforms draw their random numbers from
    (seed, epoch, batch, rank).
    """

    def __init__(
        self,
        store: Store,
        split: str,
        *,
        batch_size: int,
        shuffle: bool,
        seed: int,
        workers: int = 0,
        rank: int = 0,
        world_size: int = 1,
        limit: int = 0,
        skip: int = 0,
        transforms: Sequence[BatchTransform] = (),
        soft: Array | None = None,
    ) -> None:
        """Prepare the stream; nothing is read before the first iteration.

        Args:
            store: The store.
            split: One of its splits.
            batch_size: Events per global batch; the last one may be smaller.
            shuffle: A new random order in every epoch; otherwise the order of the store.
            seed: Seed of the order and of the transforms.
            workers: Processes that read and decode; 0: this one does.
            rank: Which share of each batch this process takes.
            world_size: In how many shares each batch is dealt.
            limit: Use so many events of the split only; 0: all.
            skip: Leave out the first events of the split.
            transforms: Steps on each batch, see `transforms.build_transforms`.
            soft: Shares of the classes (N, K) of all events of the split, in place of their labels.
        """
        self.store, self.split, self.batch_size, self.seed = store, split, batch_size, seed
        self.shuffle, self.workers, self.limit, self.skip = shuffle, workers, limit, skip
        self.rank, self.world_size, self.transforms = rank, world_size, tuple(transforms)
        self.soft = soft
        self.epoch = 0
        self.start = 0
        total = max(0, store.events(split) - skip)
        self.events = min(limit, total) if limit else total
        self.weightings = [step for step in self.transforms if isinstance(step, Reweight)]
        for step in self.weightings:
            step.fit(store, split)

    def set_epoch(self, epoch: int) -> None:
        """Choose the order and the random numbers of the next iteration."""
        self.epoch = epoch

    def set_start(self, batch: int) -> None:
        """Let the next iteration, and only that one, begin at batch number `batch` of its epoch."""
        self.start = batch

    def __len__(self) -> int:
        """Batches per epoch."""
        return -(-self.events // self.batch_size)

    def __iter__(self) -> Iterator[TensorBatch]:
        """Yield the batches of one epoch."""
        dataset = _Epoch(self, self.start)
        self.start = 0
        if not self.workers:
            yield from dataset
            return
        with warnings.catch_warnings():  # more workers than cores is the user's choice
            warnings.filterwarnings("ignore", message="This DataLoader will create", category=UserWarning)
            batches = iter(DataLoader(dataset, batch_size=None, num_workers=self.workers, prefetch_factor=4))
        yield from batches

    def order(self, epoch: int) -> Order:
        """Return the order of events in `epoch`."""
        key = (self.seed, epoch) if self.shuffle else None
        return make_order(self.store.blocks(self.split), self.limit, key, self.skip)


class _Epoch(IterableDataset[TensorBatch]):
    """The batches of one epoch, or every n-th of them in a worker."""

    def __init__(self, loader: StoreLoader, start: int) -> None:
        self.loader, self.start, self.epoch = loader, start, loader.epoch

    def __iter__(self) -> Iterator[TensorBatch]:
        info = get_worker_info()
        first, step = (info.id, info.num_workers) if info else (0, 1)
        columns = tuple({name for step in self.loader.weightings for name in step.columns})
        buffers = Buffers(
            self.loader.store, self.loader.split, self.loader.order(self.epoch), columns, self.loader.soft
        )
        for batch in range(self.start + first, len(self.loader), step):
            yield self._batch(buffers, batch)

    def _batch(self, buffers: Buffers, batch: int) -> TensorBatch:
        loader = self.loader
        begin = batch * loader.batch_size
        places = np.arange(begin, min(begin + loader.batch_size, loader.events))
        own = places[loader.rank :: loader.world_size]
        events = buffers.read(own if len(own) else places[:1])
        made = decode(events, 1.0 if len(own) else 0.0)
        for step in loader.weightings:
            made.weights.mul_(torch.from_numpy(step.weights(events.labels, events.columns)))
        if not loader.transforms:
            return made
        random = generator(loader.seed, self.epoch, batch, loader.rank)
        return apply_transforms(loader.transforms, made, random)


def decode(events: Events, weight: float = 1.0) -> TensorBatch:
    """Return dense tensors of `events`, each with `weight`."""
    images = torch.zeros((len(events.images), *events.images.shape))
    events.images.to_dense(out=images.numpy())
    labels = torch.from_numpy(np.ascontiguousarray(events.columns.get(SOFT_LABELS, events.labels)))
    return TensorBatch(images, labels, torch.full((len(labels),), weight))
