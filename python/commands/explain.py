"""Show what a trained network looks at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from . import cli


def explain(
    run: Path,
    store: Path | None = None,
    output: Path | None = None,
    methods: Sequence[Literal["occlusion", "integrated_gradients", "rollout"]] | None = None,
    events: int = 2,
    limit: int = 2000,
    sample: int = 200,
    seed: int = 1,
    against: Path | None = None,
    label: str = "ParticleViT",
    pdf: bool = False,
) -> None:
    """Write a page of what a network looks at: events with maps of cells, and which maps can be trusted.

    Events are chosen by score, error, and disagreement with another run. Deletion and insertion curves say
    which maps know what the score needs; correlations say which quantities it follows.

    Args:
        run: Run folder with a checkpoint of one network.
        store: Store whose events are explained; labels are not needed. By default that of the training.
        output: Folder to write to; by default RUN/explanation, for another store RUN/explanations/STORE-ID.
        methods: How cells are judged; by default by all that the model has.
        events: Events that are shown of each kind.
        limit: Most events that are scored to choose from.
        sample: Events of the curves and of the mean maps.
        seed: Seed of what is drawn at random.
        against: Another run on the same images; where the two disagree most is shown, too.
        label: Text above the figures on the left, such as CMS Simulation.
        pdf: Write a PDF beside the PNG of each figure.
    """
    from ..explanation import explain_run
    from ..report.figure import figure_style

    with figure_style(label, pdf):
        page = explain_run(run, store, output, methods, events, limit, sample, seed, against)
    cli.say(str(page))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with the process's arguments, or with these."""
    cli.run(explain, arguments=arguments)
