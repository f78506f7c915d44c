"""Sparse images on disk."""

from ..geometry.description import ChannelSpec, Domain, Grid, ImageSpec
from .reader import Batch, Block, Events, Store, open_store
from .recipe_images import image_of_recipe
from .schema import SPLITS, InputInfo, ShardInfo, SplitInfo, StoreInfo
from .sparse import SparseImages

__all__ = [
    "SPLITS",
    "Batch",
    "Block",
    "ChannelSpec",
    "Domain",
    "Events",
    "Grid",
    "ImageSpec",
    "InputInfo",
    "ShardInfo",
    "SparseImages",
    "SplitInfo",
    "Store",
    "StoreInfo",
    "image_of_recipe",
    "open_store",
]
