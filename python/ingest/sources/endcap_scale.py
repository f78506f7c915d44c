"""Energies of the ECAL's endcaps in public image files, which their converter divides twice.

The converter of the public X_jets files smears the endcaps' hits over 2 x 2 cells and divides them again, so
that about a quarter of the energy is left. The option `endcap_scale` multiplies the
cells beyond the barrel; which these are follows from the seed tower, the column `ieta` (0-55).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...errors import InputError, RecipeError, suggest
from ...geometry.grids import ECAL_ROWS, EE_ROWS, HBHE_ROWS
from ...geometry.seeds import crystal_of_tower
from ...recipe import Recipe
from ...store import SparseImages, image_of_recipe
from ...store.sparse import Array

COLUMN = "ieta"


class EndcapScale:
    """Multiplies endcap cells, as inputs.options.endcap_scale (channel -> factor) says."""

    def __init__(self, recipe: Recipe) -> None:
        """Check the option.

        Raises:
            RecipeError: unknown channel, a factor of 0 or less, or no column ieta.
        """
        self.factors: dict[str, float] = dict(recipe.inputs.options.get("endcap_scale", {}))
        self.image = image_of_recipe(recipe)
        for name, factor in self.factors.items():
            if name not in self.image.names:
                raise RecipeError(f"inputs.options.endcap_scale '{name}'; {suggest(name, self.image.names)}")
            if factor <= 0:
                raise RecipeError(f"inputs.options.endcap_scale {name}: {factor}; give a number above 0")
        if self.factors and COLUMN not in recipe.inputs.columns:
            raise RecipeError(
                f"inputs.options.endcap_scale needs the seed tower: name inputs.columns.{COLUMN}"
            )

    def apply(self, images: SparseImages, tower: Array, path: str, start: int) -> SparseImages:
        """Return the images with scaled endcaps.

        Args:
            images: of the recipe's channels.
            tower: (N,) row of each seed tower, 0-55.
            path: of the file, for messages.
            start: entry of the first image.

        Raises:
            InputError: a tower that is none.
        """
        wrong = np.flatnonzero(~((tower >= 0) & (tower < HBHE_ROWS)))
        if len(wrong):
            raise InputError(
                f"{path}: entry {start + int(wrong[0])}: the seed tower is {tower[wrong[0]]}, expected 0 to "
                f"{HBHE_ROWS - 1}; leave out inputs.options.endcap_scale"
            )
        size = self.image.height * self.image.width
        channel, cell = np.divmod(images.index.astype(np.int64), size)
        owner = np.repeat(np.arange(len(images)), np.diff(images.offsets))
        row = crystal_of_tower(tower.astype(np.int64))[owner] - self.image.seed[0] + cell // self.image.width
        endcap = (row < EE_ROWS) | (row >= ECAL_ROWS - EE_ROWS)
        factors = np.array([self.factors.get(name, 1.0) for name in self.image.names], np.float32)
        scale = np.where(endcap, factors[channel], np.float32(1))
        return replace(images, value=images.value * scale)
