"""Particles around a jet axis become images: fill a window in (eta, phi), all jets at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import RecipeError
from ..recipe import Channel, Image
from ..store import SparseImages
from ..store.sparse import Array, index_dtype

OTHER, CHARGED, PHOTON, NEUTRAL_HADRON = range(4)
KINDS = {"charged": CHARGED, "photon": PHOTON, "neutral_hadron": NEUTRAL_HADRON}


@dataclass(frozen=True)
class Particles:
    """The particles of N jets; jet i owns offsets[i]..offsets[i + 1]. GeV and rad; every pt is above 0.

    Flat arrays: awkward with vector takes 2.6 times as long for the jets' sums (test/benchmarks/jagged.py).
    """

    offsets: Array  # (N + 1,) int64
    pt: Array
    eta: Array
    phi: Array
    pz: Array
    energy: Array
    kind: Array | None = None  # OTHER, CHARGED, PHOTON or NEUTRAL_HADRON

    def __len__(self) -> int:
        return len(self.offsets) - 1


def check_image(image: Image, kinds_known: bool) -> None:
    """Check what `render` needs to know of a recipe.

    Raises:
        RecipeError: channels of kinds of particles that the inputs do not tell.
    """
    for channel in image.channels:
        if channel.particles != "all" and not kinds_known:
            raise RecipeError(
                f"image channel '{channel.name}' takes {channel.particles} particles, but inputs.fields "
                "names neither pdgid nor charge; add it or set particles to all"
            )


def kinds_of_pdgid(pdgid: Array) -> Array:
    """Return the kind of each particle from its PDG id.

    Hadrons are charged where their quark content is (PDG, "Monte Carlo particle numbering scheme"). The ids 1
    and 2 of CMS particle flow, deposits in the forward calorimeter, are a neutral hadron and a photon.
    """
    absolute = np.abs(pdgid.astype(np.int64))
    kinds, inverse = np.unique(absolute, return_inverse=True)
    result = np.full(len(kinds), OTHER, np.int8)
    thirds = np.array([2, -1] * 5)  # charge of quark flavour q: u, c, t are even
    one, two, three = kinds // 1000 % 10, kinds // 100 % 10, kinds // 10 % 10
    charge = np.where(one == 0, thirds[two] - thirds[three], thirds[one] + thirds[two] + thirds[three])
    hadron = kinds > 100
    result[hadron] = np.where(charge[hadron] != 0, CHARGED, NEUTRAL_HADRON)
    result[np.isin(kinds, (11, 13, 15))] = CHARGED
    result[np.isin(kinds, (22, 2))] = PHOTON
    result[kinds == 1] = NEUTRAL_HADRON
    return result[inverse]


def segment_sum(values: Array, offsets: Array) -> Array:
    """Return the sum of values[offsets[i]:offsets[i + 1]] for every i, in float64."""
    result = np.zeros(len(offsets) - 1)
    filled = offsets[1:] > offsets[:-1]
    if filled.any():
        result[filled] = np.add.reduceat(values, offsets[:-1][filled], dtype=np.float64)
    return result


def jet_columns(particles: Particles) -> dict[str, Array]:
    """Return pt, eta, phi, mass (GeV, rad) and multiplicity of the sum of each jet's particles."""
    offsets = particles.offsets
    px = segment_sum(particles.pt * np.cos(particles.phi), offsets)
    py = segment_sum(particles.pt * np.sin(particles.phi), offsets)
    pz = segment_sum(particles.pz, offsets)
    energy = segment_sum(particles.energy, offsets)
    pt = np.hypot(px, py)
    with np.errstate(divide="ignore", invalid="ignore"):
        eta = np.where(pt > 0, np.arcsinh(pz / pt), 0.0)
    mass = np.sqrt(np.maximum(energy**2 - pt**2 - pz**2, 0.0))
    return {
        "pt": pt,
        "eta": eta,
        "phi": np.arctan2(py, px),
        "mass": mass,
        "multiplicity": np.diff(offsets).astype(np.float64),
    }


def wrap(phi: Array) -> Array:
    """Return angles (rad) within -pi..pi."""
    wrapped: Array = phi - 2 * np.pi * np.rint(phi / (2 * np.pi))
    return wrapped


def align(x: Array, y: Array, weight: Array, offsets: Array, steps: Sequence[str]) -> tuple[Array, Array]:
    """Return the positions (x, y) of particles after the alignment `steps` of each jet.

    centre: the weighted centroid goes to the origin. rotate: the principal axis (eigenvector of the weighted
    second moments about the origin) goes along x. flip: along x and along y, the half with the larger sum of
    weights is the positive one.
    """
    counts = np.diff(offsets)

    def moment(values: Array) -> Array:
        return segment_sum(values * weight, offsets)

    total = np.maximum(segment_sum(weight, offsets), np.finfo(np.float64).tiny)
    for step in steps:
        if step == "centre":
            x = x - np.repeat(moment(x) / total, counts)
            y = y - np.repeat(moment(y) / total, counts)
        elif step == "rotate":
            angle = 0.5 * np.arctan2(2 * moment(x * y), moment(x * x) - moment(y * y))
            cos, sin = np.repeat(np.cos(angle), counts), np.repeat(np.sin(angle), counts)
            x, y = x * cos + y * sin, y * cos - x * sin
        elif step == "flip":
            x = x * np.repeat(np.where(moment(np.sign(x)) < 0, -1.0, 1.0), counts)
            y = y * np.repeat(np.where(moment(np.sign(y)) < 0, -1.0, 1.0), counts)
    return x, y


def render(
    particles: Particles, image: Image, axis: tuple[Array, Array] | None = None
) -> tuple[SparseImages, dict[str, Array]]:
    """Return the images (N, C, H, W) of N jets, and the columns of `jet_columns`.

    Rows run along eta, columns along phi; the window is centred on the jet axis, or on what `alignment` makes
    of it. Particles outside of it are left out. The axis (eta, phi), each (N,), is by default that of the sum
    of the particles.
    """
    columns = jet_columns(particles)
    offsets = particles.offsets
    counts = np.diff(offsets)
    axis_eta, axis_phi = axis or (columns["eta"], columns["phi"])
    eta = particles.eta - np.repeat(axis_eta, counts)
    phi = wrap(particles.phi - np.repeat(axis_phi, counts))
    eta, phi = align(eta, phi, particles.pt, offsets, image.alignment)
    row = np.floor((eta + image.eta_half_width) * (image.height / (2 * image.eta_half_width)))
    column = np.floor((phi + image.phi_half_width) * (image.width / (2 * image.phi_half_width)))
    inside = (row >= 0) & (row < image.height) & (column >= 0) & (column < image.width)
    jet = np.repeat(np.arange(len(particles)), counts)[inside]
    cell = (row[inside] * image.width + column[inside]).astype(np.int64)
    layers = [_layer(particles, channel, inside) for channel in image.channels]
    return fill(jet, cell, layers, len(particles), image.height, image.width), columns


def _layer(particles: Particles, channel: Channel, inside: Array) -> Array:
    """Return what each particle inside the window adds to a channel."""
    if channel.weight == "count":
        weight = np.ones(int(inside.sum()))
    else:
        weight = (particles.pt if channel.weight == "pt" else particles.energy)[inside].astype(np.float64)
    if channel.particles != "all" and particles.kind is not None:
        weight = weight * (particles.kind[inside] == KINDS[channel.particles])
    return weight


def fill(jet: Array, cell: Array, layers: list[Array], jets: int, height: int, width: int) -> SparseImages:
    """Return images (jets, len(layers), height, width) with the sum of the weights in each cell.

    Args:
        jet: Image that each particle belongs to, ascending.
        cell: Its cell, row * width + column.
        layers: For each channel, the weight of each particle.
        jets: Number of images.
        height: Rows of an image.
        width: Columns of an image.
    """
    shape = (len(layers), height, width)
    size = height * width
    order = np.argsort(jet * size + cell, kind="stable")  # stable: sums do not depend on other jets
    jet, cell = jet[order], cell[order]
    firsts = np.flatnonzero(np.r_[True, (jet[1:] != jet[:-1]) | (cell[1:] != cell[:-1])] if len(jet) else [])
    jet, cell = jet[firsts], cell[firsts]
    channels = []
    for layer in layers:
        sums = np.add.reduceat(layer[order], firsts) if len(firsts) else np.zeros(0)
        kept = np.flatnonzero(sums)
        channels.append((jet[kept], cell[kept], sums[kept]))
    counts = np.stack([np.bincount(owner, minlength=jets) for owner, _, _ in channels], axis=1)  # (jets, C)
    starts = np.zeros(counts.size + 1, np.int64)
    np.cumsum(counts.reshape(-1), out=starts[1:])
    index = np.zeros(starts[-1], index_dtype(shape))
    value = np.zeros(starts[-1], np.float32)
    for channel, (_, cells, sums) in enumerate(channels):
        own = counts[:, channel]
        shift = starts[channel : -1 : len(layers)] - (np.cumsum(own) - own)
        places = np.repeat(shift, own) + np.arange(len(cells))
        index[places] = cells + channel * size
        value[places] = sums
    return SparseImages(starts[:: len(layers)].copy(), index, value, shape)
