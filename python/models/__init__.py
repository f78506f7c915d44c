"""The networks: a registry of vision transformers and CNNs, with normalisation inside the network."""

from . import cnn, hybrid, perceptron, small_data, sparse, transformers  # noqa: F401  they register models
from .ensemble import Ensemble
from .network import Network
from .registry import build_model, build_recipe_model, list_models, register_model, with_all_options

__all__ = [
    "Ensemble",
    "Network",
    "build_model",
    "build_recipe_model",
    "list_models",
    "register_model",
    "with_all_options",
]
