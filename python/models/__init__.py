"""The networks: a registry of vision transformers and CNNs, with normalisation inside the network."""

from .network import Network
from .registry import build_model, list_models, register_model

__all__ = ["Network", "build_model", "list_models", "register_model"]
