"""Event-display files: real ones, and small ones made here with what real ones have got wrong."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest

from RecoE2E.ParticleViT.errors import InputError, RecipeError, StoreError
from RecoE2E.ParticleViT.ingest import ingest_files
from RecoE2E.ParticleViT.ingest.sources.dispatch import open_source
from RecoE2E.ParticleViT.ingest.sources.ispy_file import IspyFile, UnreadableEventError, parse
from RecoE2E.ParticleViT.recipe import load_recipe
from RecoE2E.ParticleViT.store import open_store
from RecoE2E.ParticleViT.training import train

EGAMMA, JETS = "electron_photon_ispy", "jets_ispy"
FIELDS = {
    "EBRecHits_V2": [["energy", "double"], ["time", "double"], ["detid", "int"]],
    "EERecHits_V2": [["energy", "double"], ["eta", "double"], ["phi", "double"], ["detid", "int"]],
    "HBRecHits_V2": [["energy", "double"], ["eta", "double"], ["phi", "double"], ["detid", "int"]],
    "HERecHits_V2": [["energy", "double"], ["eta", "double"], ["phi", "double"], ["detid", "int"]],
    "Tracks_V3": [["pt", "double"], ["eta", "double"], ["phi", "double"]],
    "PFJets_V1": [["et", "double"], ["eta", "double"], ["phi", "double"]],
    "Photons_V1": [
        ["et", "double"], ["eta", "double"], ["phi", "double"], ["pos", "v3d"], ["e5x5", "double"],
        ["maxEnergyXtal", "double"],
    ],
    "GsfElectrons_V2": [
        ["pt", "double"], ["eta", "double"], ["phi", "double"], ["charge", "int"], ["pos", "v3d"],
    ],
    "SuperClusters_V1": [["energy", "double"], ["pos", "v3d"]],
    "RecHitFractions_V1": [["detid", "int"], ["fraction", "double"]],
}  # fmt: skip


def eb(ieta, iphi):
    return (3 << 28) | (1 << 25) | (0x10000 if ieta > 0 else 0) | (abs(ieta) << 9) | iphi


def hb(ieta, iphi, depth=1):
    return (4 << 28) | (1 << 25) | (depth << 14) | (0x2000 if ieta > 0 else 0) | (abs(ieta) << 7) | iphi


def photon_event(seed=(40, 100), hits=()):
    """One photon of 30 GeV whose supercluster has two crystals."""
    ieta, iphi = seed
    place = [1.29 * np.cos(0.1), 1.29 * np.sin(0.1), 1.29 * np.sinh(0.7)]
    return {
        "EBRecHits_V2": [[20.0, 0.5, eb(ieta, iphi)], [10.0, 1.5, eb(ieta, iphi + 1)], *hits],
        "EERecHits_V2": [], "HBRecHits_V2": [], "HERecHits_V2": [], "Tracks_V3": [], "PFJets_V1": [],
        "Photons_V1": [[30.0, 0.7, 0.1, [0.0, 0.0, 0.0], 30.0, 20.0]],
        "GsfElectrons_V2": [],
        "SuperClusters_V1": [[37.0, place]],
        "RecHitFractions_V1": [[eb(ieta, iphi), 1.0], [eb(ieta, iphi + 1), 1.0]],
    }  # fmt: skip


def text(collections, types=FIELDS):
    links = [[[0, 0], [1, n]] for n in range(len(collections.get("RecHitFractions_V1", [])))]
    content = {
        "Types": types,
        "Collections": collections,
        "Associations": {"SuperClusterRecHitFractions_V1": links},
    }
    return json.dumps(content)


def write(path, *events):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("Header", '"CMSSW"')
        for number, event in enumerate(events):
            file.writestr(f"Events/Run_1/Event_{number}", event)
    return str(path)


def source(path, recipe=EGAMMA, **overrides):
    return open_source(path, load_recipe(recipe, {f"inputs.options.{k}": v for k, v in overrides.items()}))


def test_texts_that_are_nearly_json():
    found = parse("{'Types': {}, 'x': [(1, nan, -inf)], 'it\\'s': \"(nan)\"}")
    assert found["x"][0][0] == 1
    assert np.isnan(found["x"][0][1])
    assert found["x"][0][2] == -np.inf
    assert found["it's"] == "(nan)"
    assert parse('{"a": [NaN, Infinity, (2)], "b": "nan (x)"}')["b"] == "nan (x)"
    with pytest.raises(ValueError, match="found a list"):
        parse("[1]")


def test_the_newest_collection_of_a_kind_is_read(tmp_path):
    old, new = {"Tracks_V2": [[1.0]], "Tracks_V10": [[2.0]]}, {"Tracks_V2": [["pt", "double"]]}
    path = write(tmp_path / "x.ig", text(old, {**new, "Tracks_V10": [["pt", "double"]]}))
    event = IspyFile(path).read(0)
    assert event.column("Tracks", "momentum|pt").tolist() == [2.0]
    with pytest.raises(
        UnreadableEventError, match=r"no Photons_V\*; its collections are Tracks_V10, Tracks_V2"
    ):
        event.column("Photons", "et")
    with pytest.raises(UnreadableEventError, match="Tracks_V10 has no 'eta', only pt"):
        event.column("Tracks", "eta")


def test_a_photon_of_two_crystals(tmp_path):
    events = source(write(tmp_path / "x.ig", text(photon_event()))).read(0, 1)
    image = events.images.to_dense()[0]
    assert image.shape == (2, 32, 32)
    assert (image[0, 16, 16], image[0, 16, 17], image[1, 16, 16]) == (20.0, 10.0, 0.5)
    assert np.count_nonzero(image) == 4
    columns = {name: values.tolist() for name, values in events.columns.items()}
    assert (columns["ieta"], columns["iphi"], columns["seed_row"]) == ([40.0], [100.0], [179.0])
    assert (columns["e5x5"], columns["max_crystal_energy"], columns["energy"]) == ([30.0], [20.0], [37.0])
    assert events.labels.tolist() == [0]


def test_bad_hits_do_what_they_do_in_cmssw(tmp_path):
    """Unknown ids and negative energies are left out; what is not a number costs the image that has it."""
    bad = [[5.0, 0.0, eb(40, 100) ^ (7 << 28)], [5.0, 0.0, eb(90, 3)], [-3.0, 9.0, eb(41, 100)]]
    good = source(write(tmp_path / "a.ig", text(photon_event(hits=bad)))).read(0, 1)
    assert np.count_nonzero(good.images.to_dense()) == 4
    for hit in ([np.nan, 0.0, eb(42, 99)], [1.0, np.nan, eb(42, 99)], [np.inf, 0.0, eb(42, 99)]):
        path = write(tmp_path / "b.ig", text(photon_event(hits=[hit])), text(photon_event()))
        assert source(path).read(0, 2).entries.tolist() == [1]
        far = [[*hit[:2], eb(70, 300)]]
        assert len(source(write(tmp_path / "c.ig", text(photon_event(hits=far)))).read(0, 1)) == 1
    kept = source(write(tmp_path / "d.ig", text(photon_event(hits=bad))), noise=True).read(0, 1)
    assert kept.images.to_dense()[0, 0, 17, 16] == -3.0


def test_windows_and_domain(tmp_path):
    edge = write(tmp_path / "x.ig", text(photon_event(seed=(75, 3))))
    assert len(source(edge).read(0, 1)) == 0  # the window leaves the barrel
    wrapped = source(write(tmp_path / "y.ig", text(photon_event(seed=(1, 360 - 1))))).read(0, 1)
    assert wrapped.images.to_dense()[0, 0, 16, 17] == 10.0
    recipe = load_recipe(EGAMMA, {"image.domain": {"pt": [31.0, None]}})
    assert len(open_source(write(tmp_path / "z.ig", text(photon_event())), recipe).read(0, 1)) == 0


def test_an_electron_is_no_photon(tmp_path):
    event = photon_event()
    event["GsfElectrons_V2"] = [[30.0, 0.7, 0.11, 1, [0.0, 0.0, 0.0]]]
    path = write(tmp_path / "x.ig", text(event))
    assert source(path).read(0, 1).labels.tolist() == [1]
    assert source(path).read(0, 1).columns["e5x5"].tolist() == [30.0]  # of the photon with its supercluster
    assert source(path, objects="photons").read(0, 1).labels.tolist() == [0]
    far = {**event, "GsfElectrons_V2": [[30.0, 0.9, 0.11, 1, [0.0, 0.0, 0.0]]]}
    assert source(write(tmp_path / "y.ig", text(far))).read(0, 1).labels.tolist() == [0]


def test_a_jet_with_tracks_and_towers(tmp_path):
    event = photon_event() | {
        "PFJets_V1": [[50.0, 0.5, 0.2], [10.0, 0.0, 0.0], [50.0, 2.8, 0.0]],
        "Tracks_V3": [[5.0, 0.5, 0.2], [0.4, 0.5, 0.2]],
        "HBRecHits_V2": [[7.0, 0.0, 0.0, hb(7, 3)], [2.0, 0.0, 0.0, hb(7, 3, 2)], [8.0, 0.0, 0.0, hb(5, 4)]],
    }
    path = write(tmp_path / "x.ig", text(event))
    events = source(path, JETS).read(0, 1)
    assert events.columns["pt"].tolist() == [50.0]  # the others are too soft, or too far forward
    image = events.images.to_dense()[0]
    assert image[2, 62, 62] == np.float32(9.0) / np.float32(25)
    assert image[0].sum() == 5.0
    recipe = load_recipe(JETS, {"image.jet_seed": "depth1"})
    assert open_source(path, recipe).read(0, 1).columns["seed_row"].tolist() == [162.0]  # of ieta 5


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a zip file, or a torn one"),
        (b"no zip at all", "not a zip file, or a torn one"),
        (None, "has no Events/"),
    ],
)
def test_files_that_are_none(tmp_path, content, message):
    path = tmp_path / "x.ig"
    if content is None:
        write(path)
    else:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        source(str(path))
    with pytest.raises(InputError):
        source(str(tmp_path / "missing.ig"))


def test_a_torn_zip(tmp_path):
    path = tmp_path / "x.ig"
    write(path, text(photon_event()), text(photon_event()))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match=r"x\.ig: not a zip file, or a torn one"):
        source(str(path))


def test_fields_of_another_year(tmp_path):
    renamed = {**FIELDS, "Photons_V1": [["ET", "double"], *FIELDS["Photons_V1"][1:]]}
    with pytest.raises(InputError, match=r"none of its 1 events can be used; .*Photons_V1 has no 'pt\|et'"):
        source(write(tmp_path / "x.ig", text(photon_event(), renamed)))


def test_columns_that_a_year_lacks_are_nan(tmp_path):
    types = {
        **FIELDS,
        "Photons_V1": [*FIELDS["Photons_V1"][:4], ["e25", "double"], ["maxEnergyXtal", "double"]],
    }
    opened = source(write(tmp_path / "x.ig", text(photon_event(), types)))
    assert opened.missing == ["e5x5"]
    assert np.isnan(opened.read(0, 1).columns["e5x5"]).all()


def test_unreadable_events_are_listed(tmp_path, caplog):
    write(tmp_path / "x.ig", *[text(photon_event(seed=(n, 9))) for n in range(1, 40)], '{"Types": {', "{}")
    recipe = load_recipe(EGAMMA, {"inputs.label": {"unlabelled": True}})
    recipe.inputs.label.field = None
    result = ingest_files(recipe, tmp_path / "store", str(tmp_path / "x.ig"))
    skipped = result.info.skipped
    assert [entry["file"] for entry in skipped] == ["x.ig", "x.ig"]
    assert "Event_39: not readable" in skipped[0]["reason"]
    assert "Event_40: no Types and Collections" in skipped[1]["reason"]
    assert "skipped x.ig" in result.summary()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"inputs.options": {"objects": "photon"}}, "did you mean 'photons'"),
        ({"inputs.options": {"min_pt": 3}}, "inputs.options 'min_pt': unknown"),
        ({"inputs.label.field": "y"}, "by field: electron"),
        ({"inputs.options": {"objects": "jets"}}, "inputs.label"),
    ],
)
def test_recipes_that_ask_for_more(tmp_path, overrides, message):
    with pytest.raises(RecipeError, match=message):
        open_source(write(tmp_path / "x.ig", text(photon_event())), load_recipe(EGAMMA, overrides))


def test_jets_need_a_way_to_be_seeded(tmp_path):
    path = write(tmp_path / "x.ig", text(photon_event()))
    with pytest.raises(RecipeError, match=r"image\.jet_seed is none"):
        open_source(path, load_recipe(JETS, {"image.jet_seed": "none"}))
    recipe = load_recipe(JETS)
    recipe.image.channels[0].name = "muons"
    with pytest.raises(RecipeError, match="'muons' .*of jets there are tracks"):
        open_source(path, recipe)
    recipe = load_recipe(EGAMMA)
    recipe.image.channels[0].kind = "momentum"
    with pytest.raises(RecipeError, match="crystals give energy in GeV and time in ns"):
        open_source(path, recipe)


def test_events_without_labels_make_a_store_for_prediction_only(tmp_path, shared_data):
    recipe = load_recipe(JETS)
    files = str(shared_data / "cms_Hto4l_2012_simulation.ig")
    ingest_files(recipe, tmp_path / "store", files)
    store = open_store(tmp_path / "store")
    assert not store.info.labelled
    assert {split.events for split in store.info.splits.values()} != {0}
    assert (store.read("train").labels == -1).all()
    store.check_model(store.image, ["gluon", "quark"])
    with pytest.raises(StoreError, match="its events have no labels, which training needs"):
        train(recipe, store, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_real_files_give_electrons_photons_and_jets(tmp_path, shared_data):
    result = ingest_files(load_recipe(EGAMMA), tmp_path / "store", str(shared_data / "*.ig"))
    events = sum(split.events for split in result.info.splits.values())
    assert (events, result.info.skipped) == (90, ())
    store = open_store(tmp_path / "store")
    batches = [store.read(split) for split in store.info.splits]
    images = np.concatenate([batch.images for batch in batches])
    highest = np.concatenate([batch.columns["max_crystal_energy"] for batch in batches])
    known = np.isfinite(highest)
    assert known.sum() > 85
    np.testing.assert_allclose(images[known, 0, 16, 16], highest[known], rtol=1e-3)
    times = images[:, 1, 16, 16]
    assert np.abs(np.median(times)) < 0.3  # ns
    assert store.image.domain.seed_rows == (73.0, 209.0)
