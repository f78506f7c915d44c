"""The weights of another run that a training starts from."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from ..errors import ModelError
from ..models import Network, with_all_options
from ..recipe import Recipe, parse_recipe, recipe_dict
from ..run_folder import RunFolder
from ..store import Store
from .checkpoint import CheckpointInfo, load_network
from .optimizer import is_head


def load_start(recipe: Recipe, store: Store) -> dict[str, Tensor]:
    """Return the weights that the recipe's training starts from; without the head's after a pretraining.

    Raises:
        ModelError: no such checkpoint, or one of another model, other images, steps or classes.
    """
    path = RunFolder(Path(recipe.training.start)).best_checkpoint
    network, info = load_network(path)
    if not isinstance(network, Network):
        raise ModelError(f"{path}: is an ensemble; start from one of its members")
    for what, (theirs, mine) in _differences(info, recipe, store).items():
        raise ModelError(
            f"{path}: the start's {what} is {theirs}, the training's is {mine}; give a run of the same {what}"
        )
    state: dict[str, Tensor] = network.state_dict()
    return {key: value for key, value in state.items() if not (info.pretext and is_head(key))}


def _differences(info: CheckpointInfo, recipe: Recipe, store: Store) -> dict[str, tuple[object, object]]:
    """Return (start's, training's) of what must be the same and is not."""
    other = parse_recipe(info.recipe, {}, recipe.training.start)
    theirs, mine = with_all_options(other.model), with_all_options(recipe.model)
    pairs: dict[str, tuple[object, object]] = {
        "model": (theirs.name, mine.name),
        **{f"option {key}": (theirs.options.get(key), value) for key, value in mine.options.items()},
        "preprocessing": (theirs.preprocessing, mine.preprocessing),
        "transforms": (recipe_dict(other)["transforms"], recipe_dict(recipe)["transforms"]),
        **{
            f"image's {key}": both
            for key, both in info.image.differences(store.image).items()
            if key != "tier"
        },
    }
    if not info.pretext:
        pairs["classes"] = (list(info.classes), list(recipe.classes))
    return {what: both for what, both in pairs.items() if both[0] != both[1]}
