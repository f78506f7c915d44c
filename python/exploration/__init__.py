"""What is in the files, before any training."""

from .explore import explore_inputs, explore_store

__all__ = ["explore_inputs", "explore_store"]
