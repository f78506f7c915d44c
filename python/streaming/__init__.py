"""Batches from a store."""

from .loader import StoreLoader
from .transforms import TensorBatch, build_transforms, list_transforms

__all__ = ["StoreLoader", "TensorBatch", "build_transforms", "list_transforms"]
