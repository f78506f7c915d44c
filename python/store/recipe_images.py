"""From a recipe to the description of its images."""

from __future__ import annotations

import msgspec

from ..geometry.description import ChannelSpec, Domain, Grid, ImageSpec, Kind
from ..recipe import Channel, Recipe

PARTICLE_SOURCES = ("particles", "delphes", "pfnano", "edm4hep")
KINDS_OF_WEIGHTS: dict[str, Kind] = {"pt": "momentum", "energy": "energy", "count": "count"}


def image_of_recipe(recipe: Recipe) -> ImageSpec:
    """Return the images that `recipe` asks for; their domain holds only what the recipe itself says."""
    image, particles = recipe.image, recipe.inputs.source in PARTICLE_SOURCES
    grid = Grid("crystals")
    if particles:
        grid = Grid("eta_phi", image.eta_half_width, image.phi_half_width, tuple(image.alignment))
    row, column = image.seed or (image.height // 2, image.width // 2)
    return ImageSpec(
        channels=tuple(_channel(channel, particles) for channel in image.channels),
        height=image.height,
        width=image.width,
        seed=(row, column),
        grid=grid,
        tier=image.tier or ("particles" if particles else "full"),
        track_position=image.track_position or ("vertex" if particles else "none"),
        jet_seed=image.jet_seed,
        domain=msgspec.convert(image.domain, Domain),
    )


def _channel(channel: Channel, particles: bool) -> ChannelSpec:
    usual = KINDS_OF_WEIGHTS.get(channel.weight, "energy") if particles else "energy"
    return ChannelSpec(channel.name, channel.unit, channel.kind or usual)
