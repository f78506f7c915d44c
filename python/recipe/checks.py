"""What the types of a recipe cannot say: contradictory or senseless values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..errors import RecipeError, suggest

if TYPE_CHECKING:
    from .schema import Recipe

LIMITS = ("pt", "abs_eta", "seed_rows")
ENERGY_UNITS, TIME_UNITS, COUNT_UNITS = ("GeV", "MeV", "TeV"), ("ns", "ps", "s"), ("1",)
TRANSFORMS = ("none", "sqrt", "log1p")


def check_recipe(recipe: Recipe, origin: str) -> None:
    """Raise a RecipeError for the first problem of `recipe`; `origin` names its file."""
    for problem in _problems(recipe):
        raise RecipeError(f"{origin}: {problem}")


def _problems(recipe: Recipe) -> Iterator[str]:
    yield from _image_problems(recipe)
    yield from _label_problems(recipe)
    yield from _preprocessing_problems(recipe)
    yield from _training_problems(recipe)


def _image_problems(recipe: Recipe) -> Iterator[str]:
    image = recipe.image
    channels = [channel.name for channel in image.channels]
    if not channels or len(set(channels)) < len(channels):
        yield f"image.channels has the names {channels}; give one or more, each once"
    if min(image.height, image.width) < 1:
        yield f"image.height is {image.height} and image.width {image.width}; give 1 or more cells"
    if min(image.eta_half_width, image.phi_half_width) <= 0:
        yield "image.eta_half_width and image.phi_half_width must be above 0"
    seed, size = image.seed, (image.height, image.width)
    if seed and not (
        len(seed) == 2 and all(0 <= place < side for place, side in zip(seed, size, strict=True))
    ):
        yield f"image.seed is {seed}; give the row and column of a cell of the {size[0]} x {size[1]} image"
    yield from _kind_problems(recipe)
    yield from _domain_problems(recipe)


def _kind_problems(recipe: Recipe) -> Iterator[str]:
    for channel in recipe.image.channels:
        known = {"time": TIME_UNITS, "count": COUNT_UNITS}.get(channel.kind or "", ENERGY_UNITS)
        if channel.kind is None and channel.unit in COUNT_UNITS and channel.weight == "count":
            continue
        if channel.unit not in known:
            found = f"of kind {channel.kind}" if channel.kind else "without a kind (energy)"
            yield (
                f"image.channels '{channel.name}' is {found}, in '{channel.unit}'; give a unit of {known}, "
                "or its kind: energy, momentum, time or count"
            )


def _domain_problems(recipe: Recipe) -> Iterator[str]:
    for name, limits in recipe.image.domain.items():
        if name not in LIMITS:
            yield f"image.domain names '{name}'; {suggest(name, LIMITS)}"
        elif len(limits) != 2 or (None not in limits and limits[0] > limits[1]):  # type: ignore[operator]
            yield f"image.domain.{name} is {limits}; give [least, largest], null where it is open"


def _label_problems(recipe: Recipe) -> Iterator[str]:
    if len(set(recipe.classes)) < max(2, len(recipe.classes)):
        yield f"classes is {recipe.classes}; give 2 or more names, each once"
    for name in [*recipe.inputs.label.values, *recipe.inputs.label.files]:
        if name not in recipe.classes:
            yield f"inputs.label names class '{name}'; {suggest(name, recipe.classes)}"
    split = (recipe.split.train, recipe.split.validation, recipe.split.test)
    if min(split) < 0 or abs(sum(split) - 1) > 1e-6:
        yield f"split has the fractions {split}; give numbers of 0 or more that add up to 1"


def _preprocessing_problems(recipe: Recipe) -> Iterator[str]:
    channels = [channel.name for channel in recipe.image.channels]
    for name, steps in recipe.model.preprocessing.items():
        if name not in channels:
            yield f"model.preprocessing names channel '{name}'; {suggest(name, channels)}"
        if steps.transform not in TRANSFORMS:
            hint = suggest(steps.transform, TRANSFORMS)
            yield f"model.preprocessing has transform '{steps.transform}'; {hint}"
        if steps.scale <= 0:
            yield f"model.preprocessing has scale {steps.scale}; give a number above 0"


def _training_problems(recipe: Recipe) -> Iterator[str]:
    training = recipe.training
    for name in ("batch_size", "max_epochs", "accumulate", "threads", "patience"):
        if getattr(training, name) < 1:
            yield f"training.{name} is {getattr(training, name)}; give 1 or more"
    for name in ("workers", "limit", "gradient_clip", "weight_decay"):
        if getattr(training, name) < 0:
            yield f"training.{name} is {getattr(training, name)}; give 0 or more"
    if not training.learning_rate > 0:
        yield f"training.learning_rate is {training.learning_rate}; give a number above 0"
    for name in ("warmup_fraction", "label_smoothing", "ema_decay"):
        if not 0 <= getattr(training, name) < 1:
            yield f"training.{name} is {getattr(training, name)}; give a number from 0 to below 1"
    weights = training.class_weights
    if weights and (len(weights) != len(recipe.classes) or min(weights) < 0):
        yield f"training.class_weights is {weights}; give a number of 0 or more for each of {recipe.classes}"
