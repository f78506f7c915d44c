"""Score a split of a store block by block, so that memory does not grow with the images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import RecipeError, StoreError
from ..progress import progress

if TYPE_CHECKING:
    from ..store import Store
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
    """The events of a store, for a run's model: raw images, since every step is a part of the model."""

    store: Store
    """The store."""

    @property
    def splits(self) -> list[str]:
        """Names of the splits that have events."""
        return [split for split in self.store.info.splits if self.store.events(split) > 0]

    def blocks(
        self, split: str, limit: int = 0, size: int = 512, what: str = ""
    ) -> Iterator[tuple[Images, NDArray[np.int64], dict[str, NDArray[Any]]]]:
        """Yield images (B, C, H, W), labels and columns of a split, in the store's order.

        Args:
            split: train, validation or test.
            limit: most events; 0: all.
            size: most events per block.
            what: what the progress is called; empty: none is shown.

        Raises:
            RecipeError: `limit` is below 0.
        """
        check_limit(limit)
        left = min(limit or self.store.events(split), self.store.events(split))
        with progress(what, left) as bar:
            for block in self.store.blocks(split, size):
                if left <= 0:
                    return
                block = block._replace(stop=min(block.stop, block.start + left))
                found = self.store.read_block(split, block)
                labels = np.asarray(found.labels, dtype=np.int64)
                yield found.images.to_dense(), labels, found.columns
                left -= len(labels)
                bar.update(len(labels))

    def images(self, split: str, limit: int) -> Images:
        """Return the first `limit` images of a split (N, C, H, W)."""
        parts = [images for images, _, _ in self.blocks(split, limit)]
        return np.concatenate(parts) if parts else np.zeros((0, *self.store.image.shape), np.float32)


def model_events(store: Store, run: Run) -> Events:
    """Return the events of a store for a run's model.

    Raises:
        StoreError: the store has other images or classes, or no labels.
    """
    network = run.trained_network
    store.check_model(network.image, network.classes)
    store.check_labelled("a comparison with the truth")
    return Events(store)


def score_split(predict: Predict, events: Events, split: str, limit: int = 0, what: str = "") -> Scores:
    """Return the scores of a split's events.

    Args:
        predict: images (B, C, H, W) -> probabilities (B, K).
        events: open events.
        split: train, validation or test.
        limit: most events; 0: all.
        what: what the progress is called; empty: none is shown.
    """
    labels, probabilities = [], []
    columns: dict[str, list[NDArray[Any]]] = {name: [] for name in events.store.info.columns}
    for images, truth, values in events.blocks(split, limit, what=what):
        probabilities.append(predict(images))
        labels.append(truth)
        for name, parts in columns.items():
            parts.append(values[name])
    return Scores(
        np.concatenate(labels),
        np.concatenate(probabilities),
        {name: np.concatenate(parts) for name, parts in columns.items()},
    )


def check_limit(limit: int) -> None:
    """Check a number of events where 0 means all.

    Raises:
        RecipeError: it is below 0.
    """
    if limit < 0:
        raise RecipeError(f"--limit is {limit}; expected a number of events, or 0 for all")


def proof_split(events: Events) -> str:
    """Return the split that proofs use: test, or validation where the store has no test events.

    Raises:
        StoreError: it has neither.
    """
    for split in ("test", "validation"):
        if split in events.splits:
            return split
    raise StoreError(f"{events.store.path}: has no event for a test; ingest it with a test split")
