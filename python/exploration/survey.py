"""Everything that one pass over the events tells, and the remarks that follow from it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import NamedTuple

import numpy as np

from ..ingest.seeds import Finding, SeedCounts
from ..progress import progress
from ..store import ImageSpec, InputInfo
from ..store.sparse import Array
from .quality import (
    KINEMATICS,
    BadValues,
    Comparison,
    GluonVerdict,
    Hashes,
    Repeats,
    clean,
    compare_classes,
    gluon_like,
)
from .reading import Data, FileRead
from .statistics import ClassCounts, Features, FeatureSample, MeanImages, Spectra

MIN_P_VALUE = 1e-16  # that is written out
LARGE_RATIO = 5  # between the events of two classes, from which on a remark is due


class Survey(NamedTuple):
    """What was found."""

    title: str
    image: ImageSpec
    classes: list[str]
    splits: bool
    files: list[FileRead]
    inputs: Sequence[InputInfo]
    notes: Sequence[str]
    counts: dict[str, list[int]]
    """Part -> events of each class."""
    means: Array  # (K, C, H, W)
    spectra: Array  # (K, C, 2, bins)
    edges: Array  # (bins + 1,)
    features: Features
    bad: dict[str, int]
    repeats: Repeats
    comparisons: list[Comparison]
    seeds: dict[str, Finding]
    """Part -> where its images clearly have their seed, where that is not as described."""
    gluon: GluonVerdict | None
    """None unless the classes are two and one of them is called gluon."""

    @property
    def events(self) -> int:
        """Events of known classes."""
        return sum(sum(counts) for counts in self.counts.values())


def take_survey(data: Data) -> Survey:
    """Read all of `data` once.

    Raises:
        ParticleViTError: what the files or the store raise.
    """
    number = len(data.classes)
    bad, hashes = BadValues(data.image, number), Hashes()
    seeds: dict[str, SeedCounts] = {}
    counts, means = ClassCounts(number), MeanImages(number, data.image.shape)
    spectra, sample = Spectra(number, data.image), FeatureSample(number, data.image)
    with progress("explore", data.total) as bar:
        for raw in data.chunks:
            bad.update(raw)
            seeds.setdefault(raw.part, SeedCounts(data.image)).add(raw.images)
            chunk = clean(raw, number)
            for accumulator in (hashes, counts, means, spectra, sample):
                accumulator.update(chunk)
            bar.note(PurePath(raw.part).name)
            bar.update(len(raw.labels))
    features = sample.finish()
    return Survey(
        title=data.title,
        image=data.image,
        classes=data.classes,
        splits=data.splits,
        files=data.files,
        inputs=data.inputs,
        notes=data.notes,
        counts=counts.finish(),
        means=means.finish(),
        spectra=spectra.finish(),
        edges=spectra.edges,
        features=features,
        bad=bad.finish(),
        repeats=hashes.finish(),
        seeds={part: finding for part, one in seeds.items() if (finding := one.finding()) is not None},
        comparisons=compare_classes(features, list(features.values)),
        gluon=gluon_like(features) if "gluon" in data.classes and number == 2 else None,
    )


def remarks(survey: Survey) -> list[str]:
    """Return what the user should know before training, the gravest first."""
    problems = [f"Not read to its end: {file.problem}" for file in survey.files if file.problem]
    left_out = [
        f"{len(file.left_out):,} entries of {PurePath(file.name).name} left out: {file.left_out[0]}"
        for file in survey.files
        if file.left_out
    ]
    seeds = [
        f"Seed: {PurePath(part).name}: {finding.against(survey.image.seed)}; correct image.seed, or set "
        "inputs.recentre: true."
        for part, finding in survey.seeds.items()
    ]
    return [
        *seeds,
        *problems,
        *left_out,
        *_labels(survey),
        *_leakage(survey),
        *_bad_values(survey),
        *_balance(survey),
    ]


def gluon_remark(survey: Survey) -> str:
    """Say which class looks like the gluon."""
    if survey.gluon is None:
        return ""
    sizes = ", ".join(f"{name} {value:+.1f}" for name, value in survey.gluon.significance.items())
    evidence = f"{survey.classes[1]} minus {survey.classes[0]}, in standard deviations: {sizes}"
    if survey.gluon.label is None:
        return f"No class looks like the gluon: multiplicity and width do not decide ({evidence})."
    name, reasons = survey.classes[survey.gluon.label], " and ".join(survey.gluon.evidence)
    return f"The class '{name}' looks like the gluon: it has the larger {reasons} ({evidence})."


def labels_contradict(survey: Survey) -> bool:
    """Tell whether another class than the one called gluon looks like the gluon."""
    if survey.gluon is None or survey.gluon.label is None:
        return False
    return survey.classes[survey.gluon.label] != "gluon"


def _labels(survey: Survey) -> list[str]:
    if not labels_contradict(survey):
        return []
    advice = "look at the files' documentation, and exchange inputs.label.values in the recipe if it agrees"
    return [f"{gluon_remark(survey)} The labels contradict the class names: {advice}."]


def _leakage(survey: Survey) -> list[str]:
    repeats = survey.repeats
    found = [
        f"Leakage: {images:,} images are in both {one} and {other}; remove what repeats from the inputs."
        for (one, other), images in repeats.shared.items()
        if survey.splits
    ]
    if repeats.surplus:
        surplus = f"{repeats.surplus:,} events are surplus"
        found.append(f"Duplicates: {repeats.distinct:,} images occur more than once; {surplus}.")
    if repeats.conflicting:
        found.append(f"Contradiction: {repeats.conflicting:,} images occur with more than one label.")
    return found


def _bad_values(survey: Survey) -> list[str]:
    absent = [name for name in survey.bad if name.startswith("missing") and survey.bad[name] == survey.events]
    names = [name.split()[-1] for name in absent]
    found = [f"No input has {', '.join(names)}: their spectra are not compared."] if names else []
    return found + [
        f"Bad values: {name}: {count:,}."
        for name, count in survey.bad.items()
        if count and name not in absent
    ]


def _balance(survey: Survey) -> list[str]:
    totals = np.sum(list(survey.counts.values()), axis=0).tolist()
    named = dict(zip(survey.classes, totals, strict=True))
    found = [f"No event of the class '{name}'." for name, events in named.items() if not events]
    if not found and max(totals) > LARGE_RATIO * min(totals):
        sizes = ", ".join(f"{name} {events:,}" for name, events in named.items())
        found.append(f"The classes differ in size ({sizes}); set training.class_weights.")
    unbalanced = [test for test in survey.comparisons if test.quantity in KINEMATICS and test.unbalanced]
    return found + [_unbalanced(test, survey.classes) for test in unbalanced]


def _unbalanced(test: Comparison, classes: list[str]) -> str:
    p_value = f"= {test.p_value:.1g}" if test.p_value > MIN_P_VALUE else f"< {MIN_P_VALUE:g}"
    others = classes[1 - test.label] if len(classes) == 2 else "the other classes"
    what = f"The {test.quantity} spectra of {classes[test.label]} and {others} differ"
    size = f"KS distance {test.distance:.3f}, p {p_value}"
    advice = "a network can learn the class from them; reweight or resample the classes to one spectrum"
    return f"{what} ({size}): {advice}."
