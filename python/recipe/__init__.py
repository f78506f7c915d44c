"""A study as one YAML file: its typed sections, reading and checks."""

from .data import Channel, Image, Inputs, Label, Split
from .learning import Evaluation, Model, Preprocessing, Training, Transform
from .loading import load_recipe, parse_recipe, recipe_dict, recipe_names, recipe_path, recipe_yaml, resource
from .options import check_options
from .schema import Recipe

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
    "check_options",
    "load_recipe",
    "parse_recipe",
    "recipe_dict",
    "recipe_names",
    "recipe_path",
    "recipe_yaml",
    "resource",
]
