"""CMS event-display files: images of real hits around photons, electrons or jets."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from ...errors import InputError, RecipeError, suggest
from ...geometry.candidates import Candidates, Pictures, crop_barrel, crop_jets, highest_crystal
from ...geometry.cells import eb_cells
from ...geometry.description import ImageSpec
from ...geometry.grids import EB_IETA_MAX, EE_ROWS
from ...geometry.pictures import barrel_images, ecal_image, tower_images, track_image
from ...geometry.windows import upsample_hbhe
from ...recipe import Recipe
from ...store import SparseImages, image_of_recipe
from ...store.sparse import Array
from ..labels import classify, label_values
from . import ispy_objects
from .base import SEED_ROW, Events
from .ispy_file import IspyEvent, IspyFile, UnreadableEventError
from .ispy_objects import EGammas, Superclusters

OBJECTS = ("photons_electrons", "photons", "electrons", "jets")
OPTIONS = ("objects", "min_track_pt", "endcap_scale", "noise")
LABEL = "electron"  # the one label that the files hold: 1 for electrons, 0 for photons that are none
CHUNK = 16  # events: a whole-detector image of each is made
logger = logging.getLogger(__name__)


class IspySource:
    """One event per photon, electron or jet, as inputs.options.objects says, within image.domain.

    Electrons and photons are those that CMS reconstructed, each in one image: a photon whose supercluster is
    an electron's is an electron. The label `electron` tells them apart; jets have none. Tracks are put where
    they point to at the vertex; those above the option `min_track_pt` (GeV) count. `endcap_scale` multiplies
    the energies of endcap hits; `noise` keeps barrel hits of negative energy, which e/gamma images else lack.

    The columns pt, eta, phi and seed_row are kept, and of electrons and photons energy, and ieta and iphi of
    the seed; inputs.columns may name further fields of the collection (of Photons for electrons, too).
    """

    jagged = True

    def __init__(self, path: str, recipe: Recipe, everything: bool = False) -> None:
        self.path, self.image, self.everything = path, image_of_recipe(recipe), everything
        self._read_options(recipe)
        self.columns = recipe.inputs.columns
        self.file = IspyFile(path)
        self.entries = len(self.file.names)
        self.unreadable: dict[int, str] = {}
        """Events that were left out so far, and why."""
        self.missing = self._missing()

    def _read_options(self, recipe: Recipe) -> None:
        options, label = recipe.inputs.options, recipe.inputs.label
        for key in options:
            if key not in OPTIONS:
                raise RecipeError(f"inputs.options '{key}': unknown; {suggest(key, OPTIONS)}")
        self.objects = str(options.get("objects", OBJECTS[0]))
        if self.objects not in OBJECTS:
            raise RecipeError(f"inputs.options.objects '{self.objects}'; {suggest(self.objects, OBJECTS)}")
        self.min_track_pt = float(options.get("min_track_pt", 0.5))
        self.endcap_scale = float(options.get("endcap_scale", 1.0))
        self.noise = bool(options.get("noise", False))
        if not label.unlabelled and (label.field != LABEL or self.objects == "jets"):
            raise RecipeError(
                f"inputs.label: event-display files label photons and electrons only, by field: {LABEL} "
                "(1 or 0); set inputs.label.unlabelled: true for all else"
            )
        self.meanings = None if label.unlabelled else label_values(label, recipe.classes)
        check_image(self.image, self.objects)

    def _missing(self) -> list[str]:
        """Return the columns that the first readable event lacks.

        Raises:
            InputError: no event can be read, or its collections are of another kind of file.
        """
        failures = [self._failure(number) for number in range(min(1, self.entries))]
        while failures[-1] is not None and len(failures) < self.entries:
            failures.append(self._failure(len(failures)))
        if failures[-1] is not None:
            raise InputError(
                f"{self.path}: none of its {self.entries} events can be used; the first: {failures[0]}"
            )
        event = self.file.read(len(failures) - 1)
        known = set(event.fields("PFJets" if self.objects == "jets" else "Photons"))
        return [names for names in self.columns.values() if not known & set(names.split("|"))]

    def _failure(self, number: int) -> str | None:
        """Return why an event cannot be used, None where it can."""
        try:
            self._read_event(self.file.read(number))
        except UnreadableEventError as error:
            return str(error)
        return None

    def steps(self, start: int, stop: int) -> list[tuple[int, int]]:
        """See `base.Source`."""
        return [(first, min(first + CHUNK, stop)) for first in range(start, stop, CHUNK)]

    def read(self, start: int, stop: int) -> Events:
        """See `base.Source`; events that cannot be read are left out and noted in `unreadable`."""
        parts = [self._no_events()]
        for number in range(start, stop):
            try:
                images, labels, columns = self._read_event(self.file.read(number))
            except UnreadableEventError as error:
                if number not in self.unreadable:
                    logger.warning("left out: %s", error)
                self.unreadable[number] = str(error)
                continue
            entries = np.full(len(labels), number, np.int64)
            status = np.zeros(len(labels), np.int8) if self.everything else None
            parts.append(Events(SparseImages.from_dense(images), labels, entries, columns, status))
        return Events.concatenate(parts)

    def _no_events(self) -> Events:
        nothing = np.zeros(0, np.int64)
        names = [*self.columns, "pt", "eta", "phi", SEED_ROW]
        names += [] if self.objects == "jets" else ["energy", "ieta", "iphi"]
        columns = {name: np.zeros(0, np.float32) for name in names}
        return Events(SparseImages.empty(self.image.shape), nothing, nothing, columns)

    def _read_event(self, event: IspyEvent) -> tuple[Array, Array, dict[str, Array]]:
        """Return images (N, C, H, W), labels and columns of one event."""
        if self.objects == "jets":
            return self._jets(event)
        clusters = ispy_objects.superclusters(event)
        energy, time = barrel_images(ispy_objects.barrel_hits(event), self.noise)
        layers = np.stack([energy if kind == "energy" else time for kind in self.image.kinds])
        seeds = cluster_seeds(energy, clusters)
        photons = ispy_objects.photons(event, clusters)
        made = [
            self._egammas(event, objects, electron, layers, seeds, photons)
            for electron, objects in enumerate(self._collections(event, clusters, photons))
            if objects is not None
        ]
        images = np.concatenate([part[0] for part in made])
        labels = np.concatenate([part[1] for part in made])
        columns = {name: np.concatenate([part[2][name] for part in made]) for name in made[0][2]}
        return images[labels >= 0], labels[labels >= 0], {n: v[labels >= 0] for n, v in columns.items()}

    def _collections(
        self, event: IspyEvent, clusters: Superclusters, photons: EGammas
    ) -> tuple[EGammas | None, EGammas | None]:
        """Return the photons and the electrons that are asked for."""
        if self.objects == "photons":
            return photons, None
        electrons = ispy_objects.electrons(event, clusters)
        if self.objects == "electrons":
            return None, electrons
        return ispy_objects.without(photons, electrons), electrons

    def _egammas(
        self,
        event: IspyEvent,
        objects: EGammas,
        electron: int,
        layers: Array,
        seeds: list[tuple[int, int] | None],
        photons: EGammas,
    ) -> tuple[Array, Array, dict[str, Array]]:
        candidates = Candidates(objects.pt, objects.eta, objects.phi)
        own = [seeds[number] for number in objects.supercluster.tolist()]
        pictures = crop_barrel(layers, candidates, own, self.image)
        chosen = pictures.chosen
        labels = np.full(len(chosen), electron, np.int64)
        if self.meanings is not None:
            labels = classify(labels.astype(np.float64), self.meanings)
        items = objects.item if not electron else _photon_of(objects, photons)
        columns = self._kept(event, "Photons", items[chosen])
        columns |= _placed(candidates, pictures)
        columns["energy"] = objects.energy[chosen].astype(np.float32)
        row = pictures.rows - EE_ROWS - EB_IETA_MAX
        columns["ieta"] = np.where(row >= 0, row + 1, row).astype(np.float32)
        columns["iphi"] = (pictures.columns + 1).astype(np.float32)
        return pictures.images, np.zeros_like(labels) if self.meanings is None else labels, columns

    def _jets(self, event: IspyEvent) -> tuple[Array, Array, dict[str, Array]]:
        candidates = Candidates(*(event.column("PFJets", names) for names in ("pt|et", "eta", "phi")))
        layers, towers = jet_layers(event, self.image, self.min_track_pt, self.endcap_scale)
        pictures = crop_jets(layers, candidates, towers, self.image)
        columns = self._kept(event, "PFJets", pictures.chosen) | _placed(candidates, pictures)
        return pictures.images, np.zeros(len(pictures.chosen), np.int64), columns

    def _kept(self, event: IspyEvent, kind: str, items: Array) -> dict[str, Array]:
        """Return the columns to keep of some items of a collection; NaN for item -1 and missing fields."""
        known = set(event.fields(kind))
        columns = {}
        for name, names in self.columns.items():
            columns[name] = np.full(len(items), np.nan, np.float32)
            if known & set(names.split("|")):
                values = np.append(event.column(kind, names).astype(np.float32), np.float32(np.nan))
                columns[name] = values[items]
        return columns


def check_image(image: ImageSpec, objects: str) -> None:
    """Check that hits can fill the images of a recipe.

    Raises:
        RecipeError: other channels, or jets without a way to seed them.
    """
    if objects != "jets":
        kinds = {("energy", "GeV"), ("time", "ns")}
        found = [(channel.kind, channel.unit) for channel in image.channels]
        if not set(found) <= kinds or len(set(found)) < len(found):
            raise RecipeError(
                f"image.channels are {found}; crystals give energy in GeV and time in ns, each once"
            )
        return
    layers = {"tracks": "momentum", "ecal": "energy", "hcal": "energy"}
    for channel in image.channels:
        if layers.get(channel.name) != channel.kind or channel.unit != "GeV":
            raise RecipeError(
                f"image.channels '{channel.name}' ({channel.kind}, {channel.unit}): of jets there are "
                "tracks (momentum, GeV), ecal and hcal (energy, GeV)"
            )
    if image.jet_seed == "none" or ("tracks" in image.names and image.track_position != "vertex"):
        raise RecipeError(
            f"image.jet_seed is {image.jet_seed}, track_position {image.track_position}; jets of "
            "event-display files need the seed sum or depth1, and tracks at the vertex"
        )


def jet_layers(
    event: IspyEvent, image: ImageSpec, min_track_pt: float = 0.5, endcap_scale: float = 1.0
) -> tuple[Array, Array]:
    """Return images (C, 280, 360) in the channels of `image`, and the towers (56, 72) that seed."""
    total, first = tower_images(ispy_objects.tower_hits(event))
    makers: dict[str, Any] = {
        "tracks": lambda: track_image(ispy_objects.tracks(event), min_track_pt),
        "ecal": lambda: ecal_image(
            barrel_images(ispy_objects.barrel_hits(event))[0], ispy_objects.endcap_hits(event), endcap_scale
        ),
        "hcal": lambda: upsample_hbhe(total),
    }
    layers = np.stack([makers[name]() for name in image.names])
    return layers, first if image.jet_seed == "depth1" else total


def cluster_seeds(energy: Array, clusters: Superclusters) -> list[tuple[int, int] | None]:
    """Return for each supercluster the cell of its highest crystal in the barrel's image (170, 360)."""
    cells = [eb_cells(crystals[:, 0], crystals[:, 1]) for crystals in clusters.crystals]
    return [highest_crystal(energy, rows, columns) for rows, columns in cells]


def _placed(candidates: Candidates, pictures: Pictures) -> dict[str, Array]:
    values = {name: getattr(candidates, name)[pictures.chosen] for name in candidates._fields}
    values[SEED_ROW] = pictures.rows
    return {name: column.astype(np.float32) for name, column in values.items()}


def _photon_of(electrons: EGammas, photons: EGammas) -> Array:
    """Return the number in its collection of the photon with each electron's supercluster, -1 for none."""
    numbers = dict(zip(photons.supercluster.tolist(), photons.item.tolist(), strict=True))
    return np.array([numbers.get(number, -1) for number in electrons.supercluster.tolist()], np.int64)
