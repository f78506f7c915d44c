from __future__ import annotations

import numpy as np
import pytest
import yaml

from RecoE2E.ParticleViT.errors import InputError
from RecoE2E.ParticleViT.ingest import ingest_files
from RecoE2E.ParticleViT.ingest.draft import draft_recipe
from RecoE2E.ParticleViT.recipe import load_recipe, parse_recipe
from RecoE2E.ParticleViT.store import open_store


def recipe_of(draft):
    return parse_recipe(yaml.safe_load(draft.yaml()), {}, "the draft")


def test_particles_and_labels_are_found_by_name_and_shape(jets_root, tmp_path):
    draft = draft_recipe(str(jets_root))
    recipe, expected = recipe_of(draft), load_recipe("top_tagging")
    assert recipe.inputs.fields == expected.inputs.fields
    assert recipe.inputs.label.values == {"background": [0], "signal": [1]}
    assert "the first 20 entries give 20 images" in draft.guesses[-1]
    assert "part_px: float[]" in draft.listing
    ingest_files(recipe, tmp_path / "store", [str(jets_root)])
    assert open_store(tmp_path / "store").classes == ["background", "signal"]


def test_images_are_found_by_their_shape(tmp_path, helpers):
    images = np.random.default_rng(1).random((40, 24, 20, 3)).astype("f4")
    path = helpers.images(tmp_path / "crops.hdf5", images, np.arange(40) % 2, jetPt=np.ones(40))
    draft = draft_recipe(str(path))
    recipe = recipe_of(draft)
    assert (len(recipe.image.channels), recipe.image.height, recipe.image.width) == (3, 24, 20)
    assert recipe.inputs.fields == {"image": "X"}
    assert recipe.inputs.columns == {"pt": "jetPt"}
    assert recipe.inputs.label.field == "y"
    assert "channels last" in draft.yaml()


def test_one_hot_labels_name_the_classes(tmp_path):
    lists = {name: np.ones((10, 4)) for name in ("part_px", "part_py", "part_pz", "part_energy")}
    hot = {"label_QCD": np.arange(10) % 2, "label_Top": 1 - np.arange(10) % 2}
    np.savez(tmp_path / "a.npz", **lists, **hot)
    recipe = recipe_of(draft_recipe(str(tmp_path / "a.npz")))
    assert recipe.classes == ["qcd", "top"]
    assert recipe.inputs.label.one_hot == {"qcd": "label_QCD", "top": "label_Top"}


@pytest.mark.parametrize(
    ("name", "source", "images"),
    [
        ("top_tagging_rntuple_1k.root", "particles", 20),
        ("quark_gluon_pythia_10k.parquet", "particles", 20),
        ("electron_photon_cms_ecal_100.hdf5", "images", 20),
        ("cms_nanoaod_v15_200events.root", "pfnano", 1),
        ("cms_pfnano_10events.root", "pfnano", 20),
        ("edm4hep_10events.root", "edm4hep", 10),
        ("delphes_10events.root", "delphes", 20),
    ],
)
def test_drafts_of_real_files_read_them(shared_data, name, source, images):
    draft = draft_recipe(str(shared_data / name))
    assert recipe_of(draft).inputs.source == source
    assert draft.guesses[-1].startswith("all of this reads")
    assert int(draft.guesses[-1].split()[-2]) >= images


def test_what_cannot_serve_is_refused_with_the_reason(shared_data, tmp_path, helpers):
    with pytest.raises(InputError, match="no particle-flow candidates .* scouting"):
        draft_recipe(str(shared_data / "cms_scouting_nano.root"))
    path = helpers.root(tmp_path / "flat.root", {"pt": np.ones(3), "eta": np.ones(3)})
    with pytest.raises(InputError, match="neither jagged momenta nor images"):
        draft_recipe(str(path))


def test_the_command_writes_a_recipe_once(jets_root, tmp_path, script):
    output = tmp_path / "mine.yaml"
    done = script("recipe", "--from", jets_root, "--output", output)
    assert "guessed: particles are part_px" in done.stdout
    assert load_recipe(output).name == "jets"
    script("recipe", "--from", jets_root, "--output", output, check=2)
    assert yaml.safe_load(script("recipe", "--from", jets_root).stdout)["inputs"]["source"] == "particles"
