"""Batches from a store."""

from .loader import StoreLoader
from .registry import TensorBatch
from .transforms import build_transforms, list_transforms

__all__ = ["StoreLoader", "TensorBatch", "build_transforms", "list_transforms"]
