"""A study as one YAML file: its typed sections, reading and checks."""

from .loading import load_recipe, parse_recipe, recipe_dict, recipe_names, recipe_path, recipe_yaml, resource
from .schema import (
    Channel,
    Evaluation,
    Image,
    Inputs,
    Label,
    Model,
    Preprocessing,
    Recipe,
    Split,
    Training,
    Transform,
)

__all__ = [
    "Channel",
    "Evaluation",
    "Image",
    "Inputs",
    "Label",
    "Model",
    "Preprocessing",
    "Recipe",
    "Split",
    "Training",
    "Transform",
    "load_recipe",
    "parse_recipe",
    "recipe_dict",
    "recipe_names",
    "recipe_path",
    "recipe_yaml",
    "resource",
]
