"""Explain a run: maps of what speaks for the class of an event, curves that judge them, quantities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ..artefacts import Artefact
from ..auc import signal_scores
from ..errors import RecipeError, StoreError, suggest
from ..files import check_writable
from ..inference.run import Run, as_run
from ..inference.scoring import Events, check_limit, proof_split
from ..models import Network
from ..store import Store, open_store
from .curves import Curve, Verdict, deletion, random_curve, verdict
from .methods import METHODS, explainable, methods_of
from .page import write_page
from .quantities import Follows, follows, quantities

SAMPLE = 200  # events of the curves and mean maps
LIMIT = 2000  # events that are scored to choose from


class Chosen(NamedTuple):
    """An event that is shown."""

    why: str
    event: int
    """Number in the split."""


class Sample(NamedTuple):
    """Events in memory, with their scores."""

    images: NDArray[np.float32]
    labels: NDArray[np.int64]
    """-1 where there is none."""
    columns: dict[str, NDArray[Any]]
    probabilities: NDArray[np.float32]

    @property
    def classes(self) -> NDArray[np.int64]:
        """The class that is explained of each event: the one with the highest probability."""
        return np.asarray(self.probabilities.argmax(axis=1))


@dataclass(frozen=True)
class Explanation(Artefact):
    """The content of explanation.json."""

    REMEDY = "write it again with scripts/explain.py --run {run}"

    run: str
    store: str
    split: str
    events: int
    sample: int
    methods: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    """Method -> deletion and insertion -> area, difference to random orders, its error."""
    follows: tuple[dict[str, Any], ...] = ()
    shown: tuple[dict[str, Any], ...] = ()


@dataclass
class Findings:
    """All that the page shows."""

    network: Network
    sample: Sample
    chosen: list[Chosen]
    maps: dict[str, NDArray[np.float32]]
    """Method -> maps of the shown events (M, H, W)."""
    means: dict[str, dict[str, NDArray[np.float32]]]
    """Method -> class -> mean map of the events that the network calls so."""
    curves: dict[str, dict[str, Curve]]
    """deletion and insertion -> method, or random -> curve."""
    follows: list[Follows]


def explain_run(
    run: Run | Path,
    store: Path | None = None,
    output: Path | None = None,
    methods: Sequence[str] | None = None,
    events: int = 2,
    limit: int = LIMIT,
    sample: int = SAMPLE,
    seed: int = 1,
    against: Run | Path | None = None,
) -> Path:
    """Explain a run's scores and write OUTPUT/explanation.html, explanation.json and figures.

    Args:
        run: run folder with a checkpoint of one network.
        store: whose test split (or else any) is explained, labels not needed; None: that of the training.
        output: folder to write to; None: RUN/explanation, or RUN/explanations/STORE-ID for another store.
        methods: of METHODS; None: all that the model has.
        events: shown of each kind: highest, lowest and middle score, most wrong, most different of `against`.
        limit: most events that are scored to choose from.
        sample: events of the curves and mean maps.
        seed: of the random orders.
        against: another run on the same images.

    Returns:
        The page.

    Raises:
        RecipeError: an unknown method, or a number out of range.
        ModelError: an ensemble, or a method that the model has not.
        StoreError: other images or classes than the model's, or too few events.
    """
    run = as_run(run)
    network = explainable(run.trained_network)
    methods = methods_of(network) if methods is None else methods
    _check(methods, events, limit, sample)
    opened = open_events(run, store)
    folder = output or _folder(run, store, opened.store)
    check_writable(folder)
    split = _split(opened)
    found = _read(network, opened, split, limit)
    other = None
    if against is not None:
        rival = as_run(against).trained_network
        opened.store.check_model(rival.image, rival.classes)
        other = _scores(rival, found.images)
    chosen = choose(found, events, other)
    findings = _explain(network, found, chosen, methods, sample, seed)
    summary = _summary(run, opened.store, split, findings, sample)
    page = write_page(folder, run.name, summary, findings)
    summary.write(folder / "explanation.json")
    return page


def _check(methods: Sequence[str], events: int, limit: int, sample: int) -> None:
    for name in methods:
        if name not in METHODS:
            raise RecipeError(f"method '{name}': unknown; {suggest(name, METHODS)}")
    if not methods:
        raise RecipeError(f"no method; give some of {', '.join(METHODS)}")
    if events < 1 or sample < 2:
        raise RecipeError(f"--events {events}, --sample {sample}: give 1 or more, and 2 or more")
    check_limit(limit)


def open_events(run: Run, store: Path | None) -> Events:
    """Return the events of a store, which need no labels.

    Raises:
        StoreError: the store is not there, or of other images or classes.
    """
    if store is None:
        return run.events()
    opened = open_store(store)
    opened.check_model(run.trained_network.image, run.trained_network.classes)
    return Events(opened)


def _split(events: Events) -> str:
    try:
        return proof_split(events)
    except StoreError:
        if not events.splits:
            raise
        return events.splits[0]


def _folder(run: Run, store: Path | None, opened: Store) -> Path:
    if store is None:
        return run.path / "explanation"
    return run.path / "explanations" / f"{store.resolve().name}-{opened.info.id[:8]}"


def _scores(network: torch.nn.Module, images: NDArray[np.float32]) -> NDArray[np.float32]:
    with torch.inference_mode():
        parts = [network(some) for some in torch.split(torch.from_numpy(images), 512)]
    return np.asarray(torch.cat(parts).numpy())


def _read(network: Network, events: Events, split: str, limit: int) -> Sample:
    blocks = list(events.blocks(split, limit, what="reading"))
    images, labels, columns = zip(*blocks, strict=True)
    joined = np.concatenate(images)
    if len(joined) < 2:
        raise StoreError(f"{events.store.path}: {len(joined)} event in split {split}, expected 2 or more")
    named = {name: np.concatenate([part[name] for part in columns]) for name in events.store.info.columns}
    return Sample(joined, np.concatenate(labels), named, _scores(network, joined))


def choose(sample: Sample, events: int, other: NDArray[np.float32] | None = None) -> list[Chosen]:
    """Return the events to show: by the last class's score, by error, by disagreement with `other`."""
    scores = signal_scores(sample.probabilities)
    kinds = {
        "highest score": -scores,
        "lowest score": scores,
        "middle score": np.abs(scores - 0.5),
    }
    if (sample.labels >= 0).all():
        true = sample.probabilities[np.arange(len(scores)), sample.labels]
        kinds["most wrong"] = np.where(sample.classes != sample.labels, true, np.inf)
    if other is not None:
        kinds["most different from the other run"] = -np.abs(scores - signal_scores(other))
    chosen: list[Chosen] = []
    for why, values in kinds.items():
        order = np.argsort(values, kind="stable")[:events]
        chosen += [Chosen(why, int(one)) for one in order if np.isfinite(values[one])]
    return chosen


def _explain(
    network: Network, found: Sample, chosen: list[Chosen], methods: Sequence[str], sample: int, seed: int
) -> Findings:
    picked = np.random.default_rng(seed).permutation(len(found.images))[:sample]
    rows = np.concatenate([picked, [one.event for one in chosen]]).astype(np.int64)
    images, classes = torch.from_numpy(found.images[rows]), torch.from_numpy(found.classes[rows])
    some, of_some = images[: len(picked)], classes[: len(picked)]
    curves = {
        what: {"random": random_curve(network, some, of_some, seed, what == "insertion")}
        for what in ("deletion", "insertion")
    }
    maps, means = {}, {}
    for name in methods:
        every = METHODS[name](network, images, classes)
        maps[name] = every[len(picked) :].numpy()
        means[name] = _means(every[: len(picked)], of_some, network.classes)
        for what, found_curves in curves.items():
            judged = every[: len(picked)]
            found_curves[name] = deletion(network, some, of_some, judged, what == "insertion")
    columns = quantities(found.images, network.image, found.columns)
    followed = follows(signal_scores(found.probabilities).astype(np.float64), found.labels, columns, seed)
    return Findings(network, found, chosen, maps, means, curves, followed)


def _means(maps: torch.Tensor, classes: torch.Tensor, names: Sequence[str]) -> dict[str, NDArray[np.float32]]:
    return {
        name: maps[classes == k].mean(dim=0).numpy() for k, name in enumerate(names) if (classes == k).any()
    }


def _summary(run: Run, store: Store, split: str, findings: Findings, sample: int) -> Explanation:
    def judged(name: str) -> dict[str, dict[str, float]]:
        return {what: _verdict(found, name)._asdict() for what, found in findings.curves.items()}

    number = len(findings.sample.images)
    return Explanation(
        run=run.name,
        store=store.info.name,
        split=split,
        events=number,
        sample=min(sample, number),
        methods={name: judged(name) for name in findings.maps},
        follows=tuple(one._asdict() for one in findings.follows),
        shown=tuple(one._asdict() for one in findings.chosen),
    )


def _verdict(curves: dict[str, Curve], name: str) -> Verdict:
    return verdict(curves[name], curves["random"])
