"""What is in the files, before any training."""

from .explore import explore_files, explore_store

__all__ = ["explore_files", "explore_store"]
