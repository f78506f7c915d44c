from __future__ import annotations

import pytest
import yaml

from RecoE2E.ParticleViT.errors import RecipeError
from RecoE2E.ParticleViT.recipe import load_recipe, parse_recipe, recipe_dict, recipe_names, recipe_yaml

MINIMAL = {"name": "x", "classes": ["b", "s"], "image": {"channels": [{"name": "pt"}]}}


@pytest.mark.parametrize("name", ["electron_photon", "quark_gluon", "top_tagging"])
def test_built_in_recipes_load(name):
    assert name in recipe_names()
    recipe = load_recipe(name)
    assert recipe.name == name
    assert set(recipe.model.preprocessing) <= {channel.name for channel in recipe.image.channels}


def test_written_recipe_reads_back_the_same(tmp_path):
    recipe = load_recipe("top_tagging", {"training.max_epochs": 3, "model.options.dim": 8})
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe_yaml(recipe))
    assert load_recipe(path) == recipe
    assert yaml.safe_load(recipe_yaml(recipe)) == recipe_dict(recipe)


def test_another_model_drops_the_options_of_the_first():
    content = {**MINIMAL, "model": {"name": "vit", "options": {"dim": 64}}}
    assert parse_recipe(content, {"model.options.depth": 2}, "r").model.options == {"dim": 64, "depth": 2}
    assert parse_recipe(content, {"model.name": "cct"}, "r").model.options == {}
    assert parse_recipe(content, {"model.name": "vit"}, "r").model.options == {"dim": 64}


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"trainng.seed": 1}, "unknown key 'trainng'; did you mean 'training'"),
        ({"training.batch_sze": 1}, "unknown key 'training.batch_sze'; did you mean 'batch_size'"),
        ({"training.seed": "a"}, "training.seed"),
        ({"training": 3}, "'training' is 3; expected a mapping"),
        ({"split.train": 0.5}, "add up to 1"),
        ({"classes": ["a"]}, "2 or more names"),
        ({"image.height": 0}, "image.height is 0"),
        ({"image.channels": []}, "image.channels"),
        ({"image.channels": [{"nam": "pt"}]}, "nam"),
        ({"model.preprocessing": {"e": {}}}, "channel 'e'; known: pt"),
        (
            {"model.preprocessing": {"pt": {"transform": "log"}}},
            "'model.preprocessing.pt.transform' is 'log'; did you mean 'log1p'",
        ),
        ({"model.preprocessing": {"pt": {"scal": 2}}}, "unknown key 'model.preprocessing.pt.scal'"),
        ({"image.channels": [{"name": "pt", "weight": "e"}]}, "'image.channels[0].weight' is 'e'"),
        ({"image.channels": [{"name": "pt", "particles": "photons"}]}, "did you mean 'photon'"),
        ({"image.channels": [{"name": "pt", "kind": "enrgy"}]}, "did you mean 'energy'"),
        ({"image.alignment": ["center"]}, "'image.alignment[0]' is 'center'; did you mean 'centre'"),
        ({"inputs.source": "particle"}, "did you mean 'particles'"),
        ({"training.device": "gpu"}, "did you mean 'cpu'"),
        ({"training.precision": 16}, "'training.precision' is 16"),
        ({"training.augmentation": [{"nam": "x"}]}, "unknown key 'training.augmentation[0].nam'"),
        ({"transforms": 3}, "transforms: expected list"),
        ({"evaluation.signal_efficiencies": [1.5]}, "numbers between 0 and 1"),
        ({"inputs.label.values": {"sig": [1]}}, "class 'sig'"),
        ({"training.label_smoothing": 1.5}, "label_smoothing is 1.5"),
        ({"training.class_weights": [1.0]}, "class_weights"),
    ],
)
def test_wrong_values_are_named_in_one_line(overrides, message):
    with pytest.raises(RecipeError) as error:
        parse_recipe(MINIMAL, overrides, "my.yaml")
    assert message in str(error.value).replace("--", "")
    assert f"--{next(iter(overrides))}" in str(error.value)
    assert "my.yaml" not in str(error.value)
    assert "\n" not in str(error.value)


def test_what_is_wrong_in_the_file_is_blamed_on_the_file():
    wrong = {**MINIMAL, "training": {"max_epochs": 0}}
    with pytest.raises(RecipeError, match=r"^my\.yaml: training\.max_epochs is 0"):
        parse_recipe(wrong, {"training.seed": 3}, "my.yaml")
    assert parse_recipe(wrong, {"training.max_epochs": 3}, "my.yaml").training.max_epochs == 3


@pytest.mark.parametrize("text", ["a: [", "- 1", "\x00"])
def test_a_file_that_is_no_recipe(tmp_path, text):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError, match="bad.yaml"):
        load_recipe(path)


def test_an_unknown_recipe_names_the_nearest():
    with pytest.raises(RecipeError, match="did you mean 'top_tagging'"):
        load_recipe("top_taging")


@pytest.mark.parametrize("name", ["threads", "workers"])
def test_more_threads_than_any_machine_has_are_refused(name):
    with pytest.raises(RecipeError, match=rf"training\.{name} is 9223372036854775807; give 1024 at most"):
        load_recipe("top_tagging", {f"training.{name}": 2**63 - 1})
