"""The HTML report of a survey and its figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..report.page import Page
from . import figures
from .quality import KINEMATICS, MAX_DISTANCE, MAX_P_VALUE
from .reading import FileRead
from .statistics import BINS_PER_DECADE
from .survey import Survey, gluon_remark, labels_contradict, remarks

PAGE_FILE = "explore.html"
SHAPES = ("multiplicity", "width", "rms_eta", "rms_phi", "sum", "peak", "mass", "image_mass")
DEFINITIONS = (
    "Mean and standard deviation per class. Multiplicity counts particles where the input or a channel does, "
    "else non-zero cells; widths are weighted by pT or energy. KS: the Kolmogorov-Smirnov distance between "
    "the spectra, for more than two classes the largest of one class against the others; kinematics are "
    f"flagged above {MAX_DISTANCE} where p < {MAX_P_VALUE:g}. The outermost bins hold what lies beyond them."
)


def write_page(survey: Survey, folder: Path) -> Path:
    """Draw all figures into `folder`, write explore.html beside them, and return its path."""
    page = Page(survey.title)
    _summary(page, survey)
    _files(page, survey)
    _classes(page, survey, folder)
    _quality(page, survey)
    _features(page, survey, folder)
    _channels(page, survey, folder)
    page.write(folder / PAGE_FILE)
    return folder / PAGE_FILE


def feature_names(survey: Survey) -> list[str]:
    """Return the features that have values: shapes, kinematics, then occupancies and other columns."""
    filled = [
        name
        for name, columns in survey.features.values.items()
        if any(np.nan_to_num(column).any() for column in columns)
    ]
    first = [name for name in (*SHAPES, *KINEMATICS) if name in filled]
    return first + [name for name in filled if name not in first]


def _summary(page: Page, survey: Survey) -> None:
    channels, height, width = survey.image.shape
    units = [f"{name} ({unit})" for name, unit in zip(survey.image.names, survey.image.units, strict=True)]
    page.text(
        f"{survey.events:,} events of {len(survey.classes)} classes ({', '.join(survey.classes)}); images of "
        f"{channels} channels ({', '.join(units)}), {height} rows along eta and {width} columns along phi."
    )
    found = remarks(survey)
    for remark in found:
        page.warning(remark)
    if not found:
        page.text("Nothing to object to: no bad values, no duplicates, no leakage, balanced kinematics.")
    if survey.gluon is not None and not labels_contradict(survey):
        page.text(gluon_remark(survey))


def _files(page: Page, survey: Survey) -> None:
    page.heading("Splits and reading rate" if survey.splits else "Files and reading rate")
    rows = [
        (file.name, file.bytes / 1e6, file.entries, file.events, file.seconds, _rate(file))
        for file in survey.files
    ]
    page.table(("", "MB", "entries read", "events", "seconds", "events/s"), rows)
    for note in survey.notes:
        page.text(note)
    if survey.inputs:
        header = ("input", "MB", "entries", "selected", "sha256")
        page.table(
            header, [(i.file, i.bytes / 1e6, i.entries, i.selected, i.sha256[:12]) for i in survey.inputs]
        )


def _rate(file: FileRead) -> int | None:
    return round(file.events / file.seconds) if file.seconds > 0 else None


def _classes(page: Page, survey: Survey, folder: Path) -> None:
    page.heading("Class balance")
    rows: list[tuple[Any, ...]] = [(part, *counts) for part, counts in survey.counts.items()]
    if len(rows) > 1:
        rows.append(("all", *np.sum([row[1:] for row in rows], axis=0).tolist()))
    page.table(("", *survey.classes), rows)
    drawn = survey.counts if survey.splits or len(rows) < 6 else {"all files": rows[-1][1:]}
    page.figure(figures.draw_classes(folder / "classes.png", drawn, survey.classes), "Events of each class.")


def _quality(page: Page, survey: Survey) -> None:
    page.heading("Missing and bad values, duplicates, leakage")
    repeats = survey.repeats
    where = "splits" if survey.splits else "files"
    page.mapping(
        {
            **survey.bad,
            "images that occur more than once": repeats.distinct,
            "surplus events": repeats.surplus,
            "images with more than one label": repeats.conflicting,
            **{f"images in both {a} and {b}": count for (a, b), count in repeats.shared.items()},
        }
    )
    if not repeats.shared:
        page.text(f"No image occurs in two {where}. Images count as equal where all their cells are equal.")


def _features(page: Page, survey: Survey, folder: Path) -> None:
    page.heading("Multiplicity, width, mass, spectra and occupancy by class")
    features, names = survey.features, feature_names(survey)
    if features.sampled != features.seen:
        page.text(
            f"From a random sample of {', '.join(f'{n:,}' for n in features.sampled)} events per class."
        )
    page.text(DEFINITIONS)
    distances = {
        name: max((t.distance for t in survey.comparisons if t.quantity == name), default=None)
        for name in names
    }
    rows = [
        (
            figures.quantity(name, survey.image).plain,
            *(_mean(column) for column in features.values[name]),
            distances[name],
        )
        for name in names
    ]
    page.table(("", *survey.classes, "KS"), rows)
    for name in names:
        label = figures.quantity(name, survey.image)
        file = folder / figures.file_name(name)
        page.figure(
            figures.draw_feature(file, features.values[name], survey.classes, label.axis), label.plain
        )


def _mean(column: Any) -> str:
    finite = column[np.isfinite(column)]
    return f"{finite.mean():.4g} ± {finite.std():.3g}" if len(finite) else "-"


def _channels(page: Page, survey: Survey, folder: Path) -> None:
    page.heading("Cells of each channel")
    names = survey.image.names
    filled = [k for k in range(len(names)) if survey.spectra[:, k].any()]
    for name in (name for k, name in enumerate(names) if k not in filled):
        page.text(f"All cells of the channel {name} are 0.")
    events = np.sum(list(survey.counts.values()), axis=0).tolist()
    for k in filled:
        unit = survey.image.units[k]
        label = _with_unit(f"{names[k]} per cell", unit)
        file = folder / figures.file_name("spectrum", names[k])
        drawn = figures.draw_spectrum(file, survey.spectra[:, k], events, survey.edges, survey.classes, label)
        page.figure(drawn, f"Non-zero cells of the channel {names[k]}, {BINS_PER_DECADE} bins per decade.")
    for k in filled:
        file = folder / figures.file_name("mean", names[k])
        panels = figures.mean_panels(survey.means[:, k], survey.classes)
        drawn = figures.draw_means(
            file, panels, _with_unit(f"Mean {names[k]}", survey.image.units[k]), survey.image
        )
        page.figure(drawn, f"Mean image of each class and the difference, channel {names[k]}.", wide=True)


def _with_unit(text: str, unit: str) -> str:
    return text if unit == "1" else f"{text} ({unit})"
