"""The page of an explanation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..auc import signal_scores
from ..exploration.figures import quantity
from ..report.page import Page
from ..report.quantity import with_error
from . import figures
from .curves import SIGNIFICANT
from .quantities import quantities

if TYPE_CHECKING:
    from .explain import Chosen, Explanation, Findings

PAGE = "explanation.html"
MOST_FOLLOWED = 3  # quantities that are drawn
METHOD_TEXT = {
    "occlusion": "occlusion: by how much the odds of the class fall when a cell is set to 0",
    "integrated_gradients": "integrated gradients (arXiv:1703.01365): the gradient's integral from an empty "
    "image to this one; the cells add up to the change of the odds",
    "rollout": "attention rollout (arXiv:2005.00928): how much of a token reaches the pooled one through all "
    "layers; it does not ask for the class",
}


def write_page(folder: Path, name: str, summary: Explanation, findings: Findings) -> Path:
    """Draw everything, and write OUTPUT/explanation.html; return it."""
    page = Page(f"What {name} looks at")
    page.text(
        f"{summary.events:,} events of split {summary.split} of {summary.store}; curves and mean maps of "
        f"{summary.sample} of them, drawn at random. Each event is explained for the class that the network "
        "finds most probable. Red cells speak for it, blue ones against it."
    )
    page.text("; ".join(METHOD_TEXT[one] for one in findings.maps) + ".")
    _trust(page, folder, summary, findings)
    page.heading("Events")
    for number, chosen in enumerate(findings.chosen):
        page.figure(_draw(folder, number, chosen, findings), _caption(chosen, findings), wide=True)
    page.heading("Mean maps")
    for method, means in findings.means.items():
        titled = {f"called {label}": values for label, values in means.items()}
        file = figures.draw_maps(folder / f"mean_{method}.png", titled, method.replace("_", " "))
        page.figure(
            file, f"Mean map of {method.replace('_', ' ')}, by the class that the network finds", wide=True
        )
    _quantities(page, folder, findings)
    page.write(folder / PAGE)
    return folder / PAGE


def _trust(page: Page, folder: Path, summary: Explanation, findings: Findings) -> None:
    page.heading("Which maps can be trusted")
    page.text(
        "Cells are taken away in the order of their relevance (deletion), or put into an empty image "
        "(insertion; arXiv:1806.07421). A map that knows what the score needs makes it fall, or rise, sooner "
        "than random orders of the same cells: the area below the curve is smaller, or larger."
    )
    rows: list[tuple[Any, ...]] = []
    for method, judged in summary.methods.items():
        for what, found in judged.items():
            better = found["difference"] * (1 if what == "insertion" else -1)
            trusted = "yes" if better > SIGNIFICANT * found["error"] else "no"
            difference = with_error(found["difference"], found["error"])
            rows.append((method, what, f"{found['area']:.3f}", difference, trusted))
    page.table(("method", "curve", "area", "minus that of random orders", "better than random"), rows)
    right = f"{summary.sample} events"
    axes = {"deletion": "Fraction of cells taken away", "insertion": "Fraction of cells put in"}
    for what, curves in findings.curves.items():
        file = figures.draw_curves(folder / f"{what}.png", curves, axes[what], right)
        page.figure(file, f"{what.capitalize()}: mean over events with its standard error")


def _draw(folder: Path, number: int, chosen: Chosen, findings: Findings) -> Path:
    image = findings.sample.images[chosen.event]
    maps = {name: values[number] for name, values in findings.maps.items()}
    spec = findings.network.image
    return figures.draw_event(folder / f"event_{number}.png", image, maps, spec, f"event {chosen.event}")


def _caption(chosen: Chosen, findings: Findings) -> str:
    sample, names = findings.sample, findings.network.classes
    found = sample.classes[chosen.event]
    label = sample.labels[chosen.event]
    truth = f", in truth {names[label]}" if label >= 0 else ""
    probability = sample.probabilities[chosen.event, found]
    return f"{chosen.why.capitalize()}: event {chosen.event}, {names[found]} with {probability:.3f}{truth}"


def _quantities(page: Page, folder: Path, findings: Findings) -> None:
    page.heading("What the score follows")
    if not findings.follows:
        page.text("No quantity varies over enough events.")
        return
    page.text(
        "Rank correlation of the score with each quantity, over all events and within the classes (what is "
        "left when the class is known), and their mutual information."
    )
    spec, sample = findings.network.image, findings.sample
    rows = [
        (quantity(name, spec).plain, f"{correlation:+.2f}", f"{within:+.2f}", f"{information:.3f}")
        for name, correlation, within, information in findings.follows
    ]
    page.table(("quantity", "correlation", "within a class", "mutual information (nats)"), rows)
    names = [one.name for one in findings.follows[:MOST_FOLLOWED]]
    found = quantities(sample.images, spec, sample.columns)
    values = np.stack([found[name] for name in names], axis=1)
    scores = signal_scores(sample.probabilities).astype(np.float64)
    titles = [quantity(name, spec).axis for name in names]
    file = figures.draw_follows(
        folder / "follows.png", titles, values, sample.labels, scores, findings.network.classes
    )
    page.figure(file, "Mean score in bins of the quantities that it follows most", wide=True)
