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
            self._read_event(self.file.read(number), number)
        except UnreadableEventError as error:
            return str(error)
        return None

    def steps(self, start: int, stop: int) -> list[tuple[int, int]]:
        """See `base.Source`."""
        return [(first, min(first + CHUNK, stop)) for first in range(start, stop, CHUNK)]

    def read(self, start: int, stop: int) -> Events:
        """See `base.Source`; events that cannot be read are left out and noted in `unreadable`."""
        return Events.concatenate([self._no_events(), *(self._read(number) for number in range(start, stop))])

    def _read(self, number: int) -> Events:
        try:
            return self._read_event(self.file.read(number), number)
        except UnreadableEventError as error:
            if number not in self.unreadable:
                logger.warning("left out: %s", error)
            self.unreadable[number] = str(error)
            return self._no_events()

    def _no_events(self) -> Events:
        nothing = np.zeros(0, np.int64)
        names = [*self.columns, *Candidates._fields, SEED_ROW]
        names += [] if self.objects == "jets" else ["energy", "ieta", "iphi"]
        columns = {name: np.zeros(0, np.float32) for name in names}
        status = nothing.astype(np.int8) if self.everything else None
        return Events(SparseImages.empty(self.image.shape), nothing, nothing, columns, status)

    def _read_event(self, event: IspyEvent, number: int) -> Events:
        """Return the candidates of one event."""
        if self.objects == "jets":
            return self._jets(event, number)
        clusters = ispy_objects.superclusters(event)
        energy, time = barrel_images(ispy_objects.barrel_hits(event), self.noise)
        layers = np.stack([energy if kind == "energy" else time for kind in self.image.kinds])
        seeds = [*cluster_seeds(energy, clusters), None]  # the last of those without a supercluster
        photons = ispy_objects.photons(event, clusters)
        parts = []
        for electron, objects in self._collections(event, clusters, photons):
            candidates = Candidates(objects.pt, objects.eta, objects.phi)
            own = [seeds[cluster] for cluster in objects.supercluster.tolist()]
            pictures = crop_barrel(layers, candidates, own, self.image)
            items = objects.item if not electron else ispy_objects.same_cluster(objects, photons)
            columns = self._kept(event, "Photons", items[pictures.chosen]) | _crystal_columns(
                objects, pictures
            )
            parts.append(self._events(number, electron, candidates, pictures, columns))
        return Events.concatenate(parts)

    def _collections(
        self, event: IspyEvent, clusters: Superclusters, photons: EGammas
    ) -> list[tuple[int, EGammas]]:
        """Return what is asked for: photons with the label 0, electrons with 1."""
        if self.objects == "photons":
            return [(0, photons)]
        electrons = ispy_objects.electrons(event, clusters)
        if self.objects == "electrons":
            return [(1, electrons)]
        return [(0, ispy_objects.without(photons, electrons)), (1, electrons)]

    def _jets(self, event: IspyEvent, number: int) -> Events:
        candidates = Candidates(*(event.column("PFJets", names) for names in ("pt|et", "eta", "phi")))
        layers, towers = jet_layers(event, self.image, self.min_track_pt, self.endcap_scale)
        pictures = crop_jets(layers, candidates, towers, self.image)
        return self._events(number, 0, candidates, pictures, self._kept(event, "PFJets", pictures.chosen))

    def _events(
        self,
        number: int,
        electron: int,
        candidates: Candidates,
        pictures: Pictures,
        columns: dict[str, Array],
    ) -> Events:
        """Return the candidates that are drawn and have a class, or all of them with their status."""
        labels = np.zeros(len(pictures.chosen), np.int64)
        if self.meanings is not None:
            labels = classify(np.full(len(labels), float(electron)), self.meanings)
        place = {name: getattr(candidates, name).astype(np.float32) for name in Candidates._fields}
        columns = columns | {name: values[pictures.chosen] for name, values in place.items()}
        columns[SEED_ROW] = pictures.rows.astype(np.float32)
        entries = np.full(len(pictures.status), number, np.int64)
        images = SparseImages.from_dense(pictures.images)
        events = Events(images, labels, entries[pictures.chosen], columns)
        if self.everything:
            return events.spread(pictures.chosen, pictures.status, entries, place)
        return events if (labels >= 0).all() else self._no_events()

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


def _crystal_columns(objects: EGammas, pictures: Pictures) -> dict[str, Array]:
    """Return energy, and ieta and iphi of the seed, of the candidates that are drawn."""
    row = pictures.rows - EE_ROWS - EB_IETA_MAX
    columns = {
        "energy": objects.energy[pictures.chosen],
        "ieta": np.where(row >= 0, row + 1, row),
        "iphi": pictures.columns + 1,
    }
    return {name: values.astype(np.float32) for name, values in columns.items()}
