"""Hits, tracks, photons, electrons and jets of an event-display event, as the detector's images need them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...geometry import detids
from ...geometry.hits import BarrelHits, EndcapHits, TowerHits, Tracks
from ...store.sparse import Array
from .ispy_file import IspyEvent

PHOTON_MATCH = 0.02  # largest distance of a photon and its supercluster, both seen from the photon's vertex
ELECTRON_MATCH_ETA, ELECTRON_MATCH_PHI = 0.02, 0.05
ELECTRON_BEND = 0.735  # GeV rad: bending of a track from the beam to the barrel's crystals, times its pT


class Superclusters(NamedTuple):
    """Superclusters of the barrel."""

    position: Array  # (N, 3) m
    energy: Array  # (N,) GeV
    crystals: list[Array]  # of each, (ieta, iphi) of its hits, (hits, 2)


class EGammas(NamedTuple):
    """Photons or electrons."""

    pt: Array  # (N,) GeV
    eta: Array  # (N,)
    phi: Array  # (N,) rad
    energy: Array  # (N,) GeV, of the supercluster, NaN without
    supercluster: Array  # (N,) its number, -1 where there is none in the barrel
    item: Array  # (N,) number in the collection


def barrel_hits(event: IspyEvent) -> BarrelHits:
    """Return the hits of the ECAL barrel."""
    ieta, iphi = detids.crystals(event.column("EBRecHits", "detid"))
    energy, time = (event.column("EBRecHits", name).astype(np.float32) for name in ("energy", "time"))
    return BarrelHits(ieta, iphi, energy, time)


def endcap_hits(event: IspyEvent) -> EndcapHits:
    """Return the hits of the ECAL endcaps."""
    eta, phi, energy = (event.column("EERecHits", name) for name in ("eta", "phi", "energy"))
    return EndcapHits(eta, phi, energy.astype(np.float32))


def tower_hits(event: IspyEvent) -> TowerHits:
    """Return the hits of HB and then of HE."""
    parts = ("HBRecHits", "HERecHits")
    ids = detids.towers(np.concatenate([event.column(part, "detid") for part in parts]))
    energy = np.concatenate([event.column(part, "energy") for part in parts])
    return TowerHits(*ids, energy.astype(np.float32))


def tracks(event: IspyEvent) -> Tracks:
    """Return the tracks, which the files hold without their quality."""
    pt, eta, phi = (event.column("Tracks", name) for name in ("pt", "eta", "phi"))
    return Tracks(pt.astype(np.float32), eta, phi)


def superclusters(event: IspyEvent) -> Superclusters:
    """Return the superclusters and the crystals of their hits."""
    position = event.column("SuperClusters", "pos").reshape(-1, 3)
    links = event.links("SuperClusterRecHitFractions")
    ids = detids.crystals(event.column("RecHitFractions", "detid"))
    own = [links[links[:, 0] == number, 1] for number in range(len(position))]
    crystals = [np.stack([ids.ieta[hits], ids.iphi[hits]], axis=1) for hits in own]
    return Superclusters(position, event.column("SuperClusters", "energy"), crystals)


def photons(event: IspyEvent, clusters: Superclusters) -> EGammas:
    """Return the photons with the supercluster that lies where they point to."""
    pt, eta, phi = (event.column("Photons", names) for names in ("pt|et", "eta", "phi"))
    vertex = event.column("Photons", "pos").reshape(-1, 3)
    own = np.full(len(pt), -1)
    for number in range(len(pt)):
        cluster_eta, cluster_phi = seen_from(clusters.position, vertex[number])
        distance = np.hypot(cluster_eta - eta[number], turn(cluster_phi - phi[number]))
        own[number] = _nearest(distance, PHOTON_MATCH)
    return _egammas(pt, eta, phi, clusters, own)


def electrons(event: IspyEvent, clusters: Superclusters) -> EGammas:
    """Return the electrons with the nearest supercluster in eta that their bent track can have reached."""
    pt, eta, phi = (event.column("GsfElectrons", name) for name in ("pt", "eta", "phi"))
    charge = event.column("GsfElectrons", "charge")
    vertex = event.column("GsfElectrons", "pos").reshape(-1, 3)
    own = np.full(len(pt), -1)
    for number in range(len(pt)):
        cluster_eta, cluster_phi = seen_from(clusters.position, vertex[number])
        bend = ELECTRON_BEND / max(pt[number], 1.0)
        middle = phi[number] - charge[number] * bend / 2  # between a straight and the electron's own path
        near = np.abs(turn(cluster_phi - middle)) < bend / 2 + ELECTRON_MATCH_PHI
        own[number] = _nearest(np.where(near, np.abs(cluster_eta - eta[number]), np.inf), ELECTRON_MATCH_ETA)
    return _egammas(pt, eta, phi, clusters, own)


def without(objects: EGammas, others: EGammas) -> EGammas:
    """Return the objects whose supercluster is none of `others`."""
    kept = (objects.supercluster < 0) | ~np.isin(objects.supercluster, others.supercluster)
    return EGammas(*(values[kept] for values in objects))


def same_cluster(objects: EGammas, others: EGammas) -> Array:
    """Return for each object the number in its collection of the other with the same supercluster, or -1."""
    numbers = dict(zip(others.supercluster.tolist(), others.item.tolist(), strict=True))
    numbers[-1] = -1
    return np.array([numbers.get(cluster, -1) for cluster in objects.supercluster.tolist()], np.int64)


def seen_from(position: Array, vertex: Array) -> tuple[Array, Array]:
    """Return eta and phi (N,) of places (N, 3) as seen from a vertex (3,)."""
    x, y, z = (position - vertex).T
    return np.arcsinh(z / np.maximum(np.hypot(x, y), 1e-9)), np.arctan2(y, x)


def turn(angle: Array) -> Array:
    """Return angles within -pi..pi."""
    return np.asarray((angle + np.pi) % (2 * np.pi) - np.pi)


def _nearest(distance: Array, most: float) -> int:
    """Return where the distance is least, -1 where it is `most` or more everywhere."""
    if not len(distance) or distance.min() >= most:
        return -1
    return int(distance.argmin())


def _egammas(pt: Array, eta: Array, phi: Array, clusters: Superclusters, own: Array) -> EGammas:
    energy = np.append(clusters.energy, np.nan)[own]
    return EGammas(pt, eta, phi, energy, own, np.arange(len(pt)))
