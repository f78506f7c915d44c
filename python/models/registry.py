"""All models by name, and how one is built for given images and classes."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ..errors import ModelError, suggest
from .external import import_models
from .network import Network
from .preprocess import Preprocess

if TYPE_CHECKING:
    from ..recipe import Model, Preprocessing, Recipe, Transform
    from ..store import ImageSpec

Builder = Callable[..., nn.Module]
_BUILDERS: dict[str, tuple[Builder, dict[str, Any]]] = {}  # name -> builder, options with their defaults
_SUBSTITUTES = {float: (int, float), tuple: (list, tuple), int: (int,), bool: (bool,), str: (str,)}


def register_model(builder: Builder) -> Builder:
    """Register a function under its own name.

    It takes the image's (channels, height, width) and the number of classes, and its options as keywords with
    defaults; it returns a module that turns (N, C, H, W) into logits (N, K). A module of the user's own that
    registers models is named in the recipe's `model.module`, so that every command finds them.
    """
    parameters = inspect.signature(builder).parameters.values()
    defaults = {one.name: one.default for one in parameters if one.kind is one.KEYWORD_ONLY}
    add_model(builder.__name__, builder, defaults)
    return builder


def add_model(name: str, builder: Builder, defaults: dict[str, Any]) -> None:
    """Register a builder, see `register_model`, with all its options and their defaults."""
    _BUILDERS[name] = builder, defaults


def list_models() -> list[str]:
    """Return the names that `build_model` knows."""
    return sorted(_BUILDERS)


def model_options(name: str) -> dict[str, Any]:
    """Return the options of a model and their defaults.

    Raises:
        ModelError: no such model.
    """
    return dict(_find(name)[1])


def build_model(
    name: str,
    image_spec: ImageSpec,
    classes: Sequence[str],
    *,
    preprocessing: Mapping[str, Preprocessing] | None = None,
    transforms: Sequence[Transform] = (),
    **options: Any,
) -> Network:
    """Build a network with fresh weights.

    Args:
        name: one of `list_models()`.
        image_spec: description of the raw images.
        classes: names of the classes; where there are two, the signal last.
        preprocessing: normalisation by channel name, see `models.preprocess`.
        transforms: steps on pixels and shape before it, see `models.steps`.
        **options: options of the model, see `model_options(name)`.

    Raises:
        ModelError: unknown model or option (the nearest is named), or options that do not fit the image.
        RecipeError: unknown transform, or one that does not fit the image.
    """
    from .steps import build_steps

    builder, defaults = _find(name)
    checked = {**defaults, **_check_options(name, options)}
    steps, seen = build_steps(transforms, image_spec)
    preprocess = Preprocess(seen.names, preprocessing)
    try:
        backbone = builder(seen.shape, len(classes), **checked)
        network = Network(name, backbone, preprocess, image_spec, classes, dict(options), steps, seen)
        _try_forward(network)
    except (ValueError, AssertionError, RuntimeError, TypeError, ZeroDivisionError, IndexError) as error:
        shape = " x ".join(map(str, seen.shape))
        given = ", ".join(f"{key}={value}" for key, value in options.items()) or "its defaults"
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ModelError(f"model '{name}' with {given} does not fit images of {shape}: {reason}") from error
    return network


def build_recipe_model(recipe: Recipe, image: ImageSpec) -> Network:
    """Build the network of a recipe for raw images of `image`: its transforms, and its section `model`.

    Settings of channels that the transforms dropped are left out.

    Raises:
        ModelError, RecipeError: as `build_model`.
    """
    from .steps import build_steps

    import_models(recipe.model)
    model, seen = recipe.model, build_steps(recipe.transforms, image)[1]
    kept = {name: steps for name, steps in model.preprocessing.items() if name in seen.names}
    return build_model(
        model.name, image, recipe.classes, preprocessing=kept, transforms=recipe.transforms, **model.options
    )


def with_all_options(model: Model) -> Model:
    """Return a recipe's section `model` with every option written out, so that it outlives other defaults.

    Raises:
        ModelError: no such model or option, or an option of another type.
    """
    import_models(model)
    _check_options(model.name, model.options)
    defaults = model_options(model.name)
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in defaults.items()}
    return dataclasses.replace(model, options={**plain, **model.options})


def _find(name: str) -> tuple[Builder, dict[str, Any]]:
    """Return the builder of a model and its options with their defaults."""
    if name not in _BUILDERS:
        hint = suggest(name, _BUILDERS)
        raise ModelError(
            f"unknown model '{name}'; {hint} (a model of your own: model.module names its module)"
        )
    return _BUILDERS[name]


def _check_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with lists as tuples; refuse unknown names and wrong types."""
    defaults = model_options(name)
    checked = {}
    for key, value in options.items():
        if key not in defaults:
            raise ModelError(f"model '{name}' has no option '{key}'; {suggest(key, defaults)}")
        expected = type(defaults[key])
        is_wrong_bool = isinstance(value, bool) and expected is not bool
        if is_wrong_bool or not isinstance(value, _SUBSTITUTES[expected]):
            wanted = f"{expected.__name__} like {defaults[key]}"
            raise ModelError(f"model '{name}': option {key} is {value!r}, expected {wanted}")
        checked[key] = tuple(value) if isinstance(value, list) else value
    return checked


def _try_forward(network: Network) -> None:
    """Send two empty images through, so that what does not fit is found now and not in the first step."""
    network.eval()
    with torch.no_grad():
        probabilities = network(torch.zeros(2, *network.image.shape))
    if probabilities.shape != (2, len(network.classes)) or not bool(probabilities.isfinite().all()):
        raise ValueError(
            f"output of shape {tuple(probabilities.shape)} is not (2, {len(network.classes)}) finite numbers"
        )
    network.train()
