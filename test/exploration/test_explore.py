from __future__ import annotations

import re

import numpy as np
import pytest

from RecoE2E.ParticleViT.errors import InputError
from RecoE2E.ParticleViT.exploration.reading import input_data, store_data
from RecoE2E.ParticleViT.exploration.survey import gluon_remark, remarks, take_survey
from RecoE2E.ParticleViT.ingest import ingest_files
from RecoE2E.ParticleViT.recipe import load_recipe, parse_recipe
from RecoE2E.ParticleViT.store import open_store

QUARK_GLUON = {
    "name": "jets",
    "classes": ["gluon", "quark"],
    "inputs": {
        "fields": {"pt": "part_pt", "rapidity": "part_rapidity", "phi": "part_phi"},
        "label": {"field": "is_quark", "values": {"gluon": [0], "quark": [1]}},
    },
    "image": {"channels": [{"name": "pt"}], "height": 16, "width": 16, "alignment": ["centre"]},
}


@pytest.fixture(scope="module")
def crops(shared_data, tmp_path_factory):
    """The store of the 100 real crops."""
    path = tmp_path_factory.mktemp("crops") / "store"
    ingest_files(load_recipe("electron_photon"), path, str(shared_data / "electron_photon_cms_ecal_100.hdf5"))
    return path


@pytest.fixture
def broken(shared_data, tmp_path):
    """A whole file and one that is cut in its middle."""
    whole = (shared_data / "top_tagging_rntuple_1k.root").read_bytes()
    (tmp_path / "a.root").write_bytes(whole)
    (tmp_path / "b.root").write_bytes(whole[: len(whole) // 2])
    return tmp_path


def test_a_store_is_explored_into_one_page(script, crops, tmp_path):
    done = script("explore", "--store", crops, "--recipe", "electron_photon", "--output", tmp_path)
    assert re.search(r"^photon: 44 events, multiplicity 46\.5 ± 2\.1, width", done.stdout, re.M)
    page = (tmp_path / "explore.html").read_text()
    figures = sorted(file.name for file in tmp_path.glob("*.png"))
    assert {"classes.png", "mean_energy.png", "spectrum_energy.png", "width.png"} <= set(figures)
    assert page.count("data:image/png;base64,") == len(figures)
    assert "All cells of the channel time are 0" in page
    assert not re.search(r'(src|href)="(?!data:)', page)


def test_files_are_explored_without_a_store(script, shared_data, tmp_path):
    pattern = shared_data / "top_tagging_test.root"
    options = ("--recipe", "top_tagging", "--files", pattern, "--limit", 300)
    done = script("explore", *options, "--output", tmp_path)
    assert done.stdout.startswith("300 events")
    assert (tmp_path / "explore.html").is_file()


def test_a_store_and_its_file_tell_the_same(crops, shared_data):
    stored = take_survey(store_data(open_store(crops)))
    file = str(shared_data / "electron_photon_cms_ecal_100.hdf5")
    read = take_survey(input_data(load_recipe("electron_photon"), [file]))
    assert stored.events == read.events == 100
    assert np.sum(list(stored.counts.values()), axis=0).tolist() == read.counts[file] == [44, 56]
    np.testing.assert_allclose(stored.means, read.means, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(stored.spectra, read.spectra)
    np.testing.assert_array_equal(*(np.sort(survey.features.values["width"][0]) for survey in (stored, read)))
    assert stored.repeats.surplus == 0


def test_the_real_crops_are_as_published(crops):
    values = take_survey(store_data(open_store(crops))).features.values
    assert np.concatenate(values["sum"]).mean() == pytest.approx(62, abs=2)
    assert np.concatenate(values["peak"]).mean() == pytest.approx(34, abs=2)
    assert values["rms_phi"][1].mean() > values["rms_phi"][0].mean()


def test_the_limit_holds_for_each_split(crops):
    survey = take_survey(store_data(open_store(crops), limit=8))
    assert [file.events for file in survey.files] == [8, 8, 7]


def test_leakage_and_duplicates_are_found(shared_data, tmp_path):
    name = "electron_photon_cms_ecal_100.hdf5"
    (tmp_path / f"again_{name}").write_bytes((shared_data / name).read_bytes())
    inputs = [f"{shared_data / name}", f"{tmp_path}/again*"]
    ingest_files(load_recipe("electron_photon"), tmp_path / "store", inputs)
    survey = take_survey(store_data(open_store(tmp_path / "store")))
    assert survey.repeats.distinct == survey.repeats.surplus == 100
    assert survey.repeats.conflicting == 0
    assert remarks(survey)[0].startswith("Leakage: ")
    assert sum(survey.repeats.shared.values()) > 0


@pytest.mark.parametrize("exchanged", [False, True])
def test_exchanged_quark_and_gluon_labels_are_noticed(shared_data, exchanged):
    values = {"gluon": [1], "quark": [0]} if exchanged else {"gluon": [0], "quark": [1]}
    recipe = parse_recipe(QUARK_GLUON, {"inputs.label.values": values}, "test")
    survey = take_survey(input_data(recipe, [str(shared_data / "quark_gluon_pythia_10k.parquet")]))
    like = "quark" if exchanged else "gluon"
    assert f"The class '{like}' looks like the gluon: it has the larger width" in gluon_remark(survey)
    assert any("contradict" in remark for remark in remarks(survey)) == exchanged
    assert any(remark.startswith("The pt spectra") for remark in remarks(survey))


def test_a_damaged_file_among_others_is_a_remark(broken):
    files = [str(broken / "a.root"), str(broken / "b.root")]
    survey = take_survey(input_data(load_recipe("top_tagging"), files))
    assert survey.events == 1000
    assert remarks(survey)[0].startswith(f"Not read to its end: {files[1]}")


def test_a_single_damaged_file_is_an_error(broken):
    with pytest.raises(InputError, match=r"b\.root"):
        take_survey(input_data(load_recipe("top_tagging"), [str(broken / "b.root")]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--recipe", "top_tagging"), "neither"),
        (("--recipe", "top_tagging", "--files", "a", "--store", "b"), "both"),
        (("--files", "a.root"), "--recipe"),
        (("--recipe", "top_taging", "--files", "a.root"), "top_tagging"),
        (("--recipe", "top_tagging", "--files", "no/*.root"), "no/*.root"),
        (("--store", "nowhere"), "nowhere"),
        (("--store", "nowhere", "--limit", "-3"), "--limit"),
        (("--store", "nowhere", "--limt", "3"), "--limit"),
    ],
)
def test_bad_calls_end_in_one_line(script, tmp_path, arguments, message):
    done = script("explore", *arguments, "--output", tmp_path / "out", check=2, cwd=tmp_path)
    assert message in done.stderr
    assert not (tmp_path / "out").exists()


def test_bad_files_end_in_one_line(script, broken, crops, tmp_path):
    recipe = ("--recipe", "top_tagging", "--output", tmp_path / "out")
    assert "b.root" in script("explore", *recipe, "--files", broken / "b.root", check=2).stderr
    assert "channels" in script("explore", *recipe, "--store", crops, check=2).stderr
    (tmp_path / "file").write_text("no folder")
    done = script("explore", "--store", crops, "--output", tmp_path / "file", check=2)
    assert f"{tmp_path / 'file'}: cannot be written" in done.stderr
