"""Sparse images on disk."""

from .reader import Batch, Block, Events, Store, open_store
from .schema import SPLITS, ImageSpec, InputInfo, ShardInfo, SplitInfo, StoreInfo
from .sparse import SparseImages

__all__ = [
    "SPLITS",
    "Batch",
    "Block",
    "Events",
    "ImageSpec",
    "InputInfo",
    "ShardInfo",
    "SparseImages",
    "SplitInfo",
    "Store",
    "StoreInfo",
    "open_store",
]
