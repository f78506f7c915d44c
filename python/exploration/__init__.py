"""What is in the files, before any training."""

from .drift import explore_monitor
from .explore import explore_files, explore_store

__all__ = ["explore_files", "explore_monitor", "explore_store"]
