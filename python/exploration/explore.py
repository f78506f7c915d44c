"""From files or a store to a report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..files import make_folder
from ..ingest.plan import expand
from ..recipe import Recipe
from ..report.quantity import with_error
from ..store import image_of_recipe, open_store
from .page import write_page
from .reading import Data, input_data, store_data
from .survey import Survey, gluon_remark, labels_contradict, remarks, take_survey


def explore_store(path: Path, output: Path, recipe: Recipe | None = None, limit: int = 0) -> str:
    """Explore the store `path`, write OUTPUT/explore.html and its figures, and return a summary.

    Args:
        path: Folder of the store.
        output: Folder of the report.
        recipe: What the store is expected to hold; None: anything.
        limit: Most events of each split; 0: all.

    Raises:
        StoreError: missing or damaged store, or one of another recipe.
    """
    store = open_store(path)
    if recipe is not None:
        store.check_model(image_of_recipe(recipe), recipe.classes)
    return _report(store_data(store, limit), output)


def explore_files(recipe: Recipe, files: Sequence[str], output: Path, limit: int = 0) -> str:
    """Explore `files` as `recipe` reads them; otherwise as `explore_store`.

    Args:
        recipe: What the files hold.
        files: Names or glob patterns.
        output: Folder of the report.
        limit: Most entries of each file; 0: all.

    Raises:
        InputError: no file, or none that can be read.
        RecipeError: the recipe's inputs do not make sense.
    """
    return _report(input_data(recipe, expand(files), limit), output)


def _report(data: Data, output: Path) -> str:
    make_folder(output)
    survey = take_survey(data)
    problems = [file.problem for file in data.files if file.problem]
    if problems and not survey.events:
        raise InputError(problems[0])
    if not survey.events:
        raise InputError(
            f"{data.title}: no event of the classes {', '.join(data.classes)}; nothing to explore"
        )
    return summary(survey, write_page(survey, output))


def _mean(survey: Survey, feature: str, label: int) -> str:
    values = survey.features.values[feature][label]
    values = values[np.isfinite(values)]
    return with_error(values.mean(), values.std() / np.sqrt(len(values))) if len(values) else "-"


def summary(survey: Survey, page: Path) -> str:
    """Return the lines that the command prints."""
    lines = [f"{survey.events:,} events, {sum(file.seconds for file in survey.files):.1f} s of reading"]
    for k, name in enumerate(survey.classes):
        events = sum(counts[k] for counts in survey.counts.values())
        shapes = [f"{feature} {_mean(survey, feature, k)}" for feature in ("multiplicity", "width")]
        lines.append(f"{name}: {events:,} events, {', '.join(shapes)} {survey.features.unit}")
    if survey.gluon is not None and not labels_contradict(survey):
        lines.append(gluon_remark(survey))
    lines += [f"warning: {remark}" for remark in remarks(survey)]
    return "\n".join([*lines, f"report: {page}"])
