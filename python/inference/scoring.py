"""Score a split of a store block by block, so that memory does not grow with the images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import StoreError

if TYPE_CHECKING:
    from ..store import ImageSpec, Store
    from ..streaming.registry import BatchTransform
    from .run import Run

Images = NDArray[np.float32]
Predict = Callable[[Images], NDArray[np.float32]]


class Scores(NamedTuple):
    """What evaluation needs of a split; small, since the images are gone."""

    labels: NDArray[np.int64]
    """True classes (N,)."""
    probabilities: NDArray[np.float32]
    """Probabilities (N, K)."""
    columns: dict[str, NDArray[Any]]
    """Event columns, each (N,)."""


@dataclass(frozen=True)
class Events:
    """A store as a run's model sees it: after the transforms of the run's recipe."""

    store: Store
    """The store."""
    image: ImageSpec
    """The images after the transforms."""
    transforms: Sequence[BatchTransform] = ()
    """Steps on each batch."""

    @property
    def splits(self) -> list[str]:
        """Names of the splits that have events."""
        return [split for split in self.store.info.splits if self.store.events(split) > 0]

    def check_model(self, image: ImageSpec, classes: Sequence[str]) -> None:
        """Check that a model of `image` and `classes` understands these events.

        Raises:
            StoreError: other channels, units, size or classes; both sides are named.
        """
        if self.transforms and self.image != image:
            raise StoreError(
                f"{self.store.path}: after the recipe's transforms its images are {describe(self.image)}, "
                f"the model's are {describe(image)}; use a store of the model's recipe"
            )
        self.store.check_model(self.store.image if self.transforms else image, classes)

    def blocks(
        self, split: str, limit: int = 0, size: int = 512, progress: str = ""
    ) -> Iterator[tuple[Images, NDArray[np.int64], dict[str, NDArray[Any]]]]:
        """Yield images (B, C, H, W), labels and columns of a split, in the store's order.

        Args:
            split: train, validation or test.
            limit: most events; 0: all.
            size: most events per block.
            progress: text of a progress bar on standard error; empty: none.
        """
        from tqdm import tqdm

        left = min(limit or self.store.events(split), self.store.events(split))
        with tqdm(total=left, desc=progress, unit=" events", disable=None if progress else True) as bar:
            for block in self.store.blocks(split, size):
                if left <= 0:
                    return
                block = block._replace(stop=min(block.stop, block.start + left))
                found = self.store.read_block(split, block)
                labels = np.asarray(found.labels, dtype=np.int64)
                yield self._transformed(found.images.to_dense(), labels), labels, found.columns
                left -= len(labels)
                bar.update(len(labels))

    def images(self, split: str, limit: int) -> Images:
        """Return the first `limit` images of a split (N, C, H, W)."""
        parts = [images for images, _, _ in self.blocks(split, limit)]
        return np.concatenate(parts) if parts else np.zeros((0, *self.image.shape), np.float32)

    def _transformed(self, images: Images, labels: NDArray[np.int64]) -> Images:
        if not self.transforms:
            return images
        import torch

        from ..streaming.registry import TensorBatch, generator
        from ..streaming.transforms import apply_transforms

        batch = TensorBatch(torch.from_numpy(images), torch.from_numpy(labels), torch.ones(len(labels)))
        result: Images = apply_transforms(self.transforms, batch, generator(0)).images.numpy()
        return result


def model_events(store: Store, run: Run) -> Events:
    """Return the events of a store as a run's model sees them.

    Raises:
        StoreError: the store has other images or classes.
    """
    from ..streaming.transforms import build_transforms

    entries = run.recipe.transforms
    if not entries:
        events = Events(store, store.image)
    else:
        steps, image = build_transforms(entries, store.image, store.classes)
        events = Events(store, image, steps)
    network = run.trained_network
    events.check_model(network.image, network.classes)
    return events


def describe(image: ImageSpec) -> str:
    """Return shape, channels and units of images in words."""
    channels = ", ".join(f"{name} ({unit})" for name, unit in zip(image.channels, image.units, strict=True))
    return f"{image.height} x {image.width} of {channels}"


def score_split(predict: Predict, events: Events, split: str, limit: int = 0, progress: str = "") -> Scores:
    """Return the scores of a split's events.

    Args:
        predict: images (B, C, H, W) -> probabilities (B, K).
        events: open events.
        split: train, validation or test.
        limit: most events; 0: all.
        progress: text of the progress bar; empty: none.
    """
    labels, probabilities = [], []
    columns: dict[str, list[NDArray[Any]]] = {name: [] for name in events.store.info.columns}
    for images, truth, values in events.blocks(split, limit, progress=progress):
        probabilities.append(predict(images))
        labels.append(truth)
        for name, parts in columns.items():
            parts.append(values[name])
    return Scores(
        np.concatenate(labels),
        np.concatenate(probabilities),
        {name: np.concatenate(parts) for name, parts in columns.items()},
    )


def proof_split(events: Events) -> str:
    """Return the split that proofs use: test, or validation where the store has no test events.

    Raises:
        StoreError: it has neither.
    """
    for split in ("test", "validation"):
        if split in events.splits:
            return split
    raise StoreError(f"{events.store.path}: has no event for a test; ingest it with a test split")
