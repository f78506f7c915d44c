from __future__ import annotations

import awkward as ak
import numpy as np
import pytest
import uproot

from RecoE2E.ParticleViT.errors import InputError
from RecoE2E.ParticleViT.ingest import ingest_files
from RecoE2E.ParticleViT.ingest.sources.dispatch import open_source
from RecoE2E.ParticleViT.recipe import load_recipe
from RecoE2E.ParticleViT.store import open_store


def read_all(path, recipe):
    source = open_source(str(path), recipe)
    return source.read(0, source.entries)


def wrap(phi):
    return (phi + np.pi) % (2 * np.pi) - np.pi


def test_real_pfnano_jets_hold_their_candidates(shared_data):
    path = shared_data / "cms_pfnano_10events.root"
    recipe = load_recipe("quark_gluon_pfnano", {"image.alignment": []})
    events = read_all(path, recipe)
    tree = uproot.open(path)["Events"].arrays(filter_name=["Jet_*", "PFCands_*", "JetPFCands_*"])
    number = 0
    for entry, event in enumerate(tree):
        for jet in range(len(event["Jet_pt"])):
            flavour, pt = abs(event["Jet_partonFlavour"][jet]), event["Jet_pt"][jet]
            if flavour not in (1, 2, 3, 21) or pt < 30 or abs(event["Jet_eta"][jet]) > 2.4:
                continue
            own = event["JetPFCands_pFCandsIdx"][event["JetPFCands_jetIdx"] == jet]
            assert events.entries[number] == entry
            assert events.labels[number] == (flavour != 21)
            assert events.columns["pt"][number] == pytest.approx(pt)
            assert events.columns["multiplicity"][number] == len(own) == event["Jet_nConstituents"][jet]
            eta = event["PFCands_eta"][own] - event["Jet_eta"][jet]
            phi = wrap(event["PFCands_phi"][own] - event["Jet_phi"][jet])
            inside = (abs(eta) < 0.4) & (abs(phi) < 0.4)
            photons = ak.sum(event["PFCands_pt"][own][inside & (event["PFCands_pdgId"][own] == 22)])
            image = events.images.slice(number, number + 1).to_dense()[0]
            assert image[1].sum() == pytest.approx(photons, rel=1e-4)
            number += 1
    assert number == len(events) > 20


def test_real_delphes_jets_take_what_is_near(shared_data):
    path = shared_data / "delphes_10events.root"
    events = read_all(path, load_recipe("quark_gluon_delphes", {"image.alignment": []}))
    names = [
        "Jet.PT",
        "Jet.Eta",
        "Jet.Phi",
        "Jet.Flavor",
        "EFlowTrack.PT",
        "EFlowTrack.Eta",
        "EFlowTrack.Phi",
    ]
    tree = uproot.open(path)["Delphes"].arrays(names)
    number = 0
    for event in tree:
        for jet in range(len(event["Jet.PT"])):
            if event["Jet.Flavor"][jet] not in (1, 2, 3, 21) or event["Jet.PT"][jet] < 30:
                continue
            if abs(event["Jet.Eta"][jet]) > 2.4:
                continue
            eta = event["EFlowTrack.Eta"] - event["Jet.Eta"][jet]
            phi = wrap(event["EFlowTrack.Phi"] - event["Jet.Phi"][jet])
            inside = (abs(eta) < 0.4) & (abs(phi) < 0.4)
            image = events.images.slice(number, number + 1).to_dense()[0]
            assert image[0].sum() == pytest.approx(ak.sum(event["EFlowTrack.PT"][inside]), rel=1e-4)
            assert 0.4 < image.sum() / event["Jet.PT"][jet] < 1.6
            number += 1
    assert number == len(events) > 10


@pytest.mark.parametrize(
    ("name", "file"), [("pfnano", "cms_pfnano_10events.root"), ("delphes", "delphes_10events.root")]
)
def test_stores_of_collision_files(tmp_path, shared_data, name, file):
    recipe = load_recipe(
        f"quark_gluon_{name}", {"split.train": 0.5, "split.validation": 0.25, "split.test": 0.25}
    )
    ingest_files(recipe, tmp_path / "store", str(shared_data / file))
    store = open_store(tmp_path / "store")
    assert sum(store.events(split) for split in store.info.splits) > 10
    assert {"pt", "eta", "phi", "mass", "multiplicity", "entry", "source"} == set(store.info.columns)


def make_towers(path, towers):
    lists = {"Jet.PT": [[100.0]], "Jet.Eta": [[0.1]], "Jet.Phi": [[3.1]], "Jet.Mass": [[5.0]]}
    lists |= {
        "Jet.Flavor": [[21]],
        "Track.PT": [[10.0, 20.0]],
        "Track.Eta": [[0.1, 2.0]],
        "Track.Phi": [[-3.1, 0.0]],
    }
    lists |= towers
    arrays = {name: ak.Array(values) for name, values in lists.items()}
    with uproot.recreate(path) as file:
        file.mktree("Delphes", {name: ak.type(values).content for name, values in arrays.items()})
        file["Delphes"].extend(arrays)
    return path


TOWERS = {
    "Tower.ET": [[40.0]],
    "Tower.Eta": [[0.2]],
    "Tower.Phi": [[3.0]],
    "Tower.Eem": [[30.0]],
    "Tower.Ehad": [[10.0]],
}


def test_delphes_towers_count_as_photons_and_hadrons(tmp_path):
    path = make_towers(tmp_path / "a.root", TOWERS)
    dense = read_all(path, load_recipe("quark_gluon_delphes")).images.to_dense()
    np.testing.assert_allclose(dense.sum((2, 3)), [[10, 30, 10]], rtol=1e-6)


def test_broken_links_and_bad_values(tmp_path, shared_data):
    path = make_towers(tmp_path / "a.root", {**TOWERS, "Tower.Eem": [[-1.0]]})
    with pytest.raises(InputError, match=r"entry 0: 'Tower.Eem' is -1, which is negative"):
        read_all(path, load_recipe("quark_gluon_delphes"))
    without = make_towers(tmp_path / "b.root", {f"x{i}": values for i, values in enumerate(TOWERS.values())})
    with pytest.raises(InputError, match="has no 'EFlowTrack.PT'"):
        read_all(without, load_recipe("quark_gluon_delphes"))
    lists = {f"Jet_{name}": [[50.0]] for name in ("pt", "eta", "phi", "mass")}
    lists |= {"Jet_partonFlavour": [[21]], "JetPFCands_jetIdx": [[0]], "JetPFCands_pFCandsIdx": [[3]]}
    lists |= {f"PFCands_{name}": [[1.0]] for name in ("pt", "eta", "phi", "mass", "pdgId")}
    arrays = {name: ak.Array(values) for name, values in lists.items()}
    with uproot.recreate(tmp_path / "c.root") as file:
        file.mktree("Events", {name: ak.type(values).content for name, values in arrays.items()})
        file["Events"].extend(arrays)
    with pytest.raises(InputError, match="entry 0: 'JetPFCands_pFCandsIdx' points beyond"):
        read_all(tmp_path / "c.root", load_recipe("quark_gluon_pfnano"))
