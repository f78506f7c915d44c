"""Everything that a recipe names is checked before any work; the help names all choices."""

from __future__ import annotations

import dataclasses
import typing

import pytest

from RecoE2E.ParticleViT import list_models
from RecoE2E.ParticleViT.commands.checks import check_study
from RecoE2E.ParticleViT.commands.options import recipe_options
from RecoE2E.ParticleViT.errors import ParticleViTError
from RecoE2E.ParticleViT.ingest.sources.dispatch import SOURCES
from RecoE2E.ParticleViT.models.steps import list_steps
from RecoE2E.ParticleViT.recipe import Inputs, load_recipe, recipe_names
from RecoE2E.ParticleViT.streaming.transforms import list_transforms


@pytest.mark.parametrize("name", recipe_names())
def test_the_built_in_recipes_pass(name):
    check_study(load_recipe(name))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"model.name": "hybrid_vti"}, "did you mean 'hybrid_vit'"),
        ({"model.options": {"dmi": 64}}, "model 'sparse_vit' has no option 'dmi'; did you mean 'dim'"),
        ({"model.options": {"dim": "many"}}, "option dim is 'many', expected int"),
        ({"model.module": "no_such_module"}, "model.module 'no_such_module' cannot be imported"),
        ({"transforms": [{"name": "centre_crp"}]}, "did you mean 'centre_crop'"),
        ({"transforms": [{"name": "centre_crop"}]}, "option size is missing"),
        (
            {"transforms": [{"name": "zero_suppress", "options": {"threshold": {"energy": 0.5}}}]},
            "option threshold is {'energy': 0.5}; expected float",
        ),
        (
            {"training.augmentation": [{"name": "rotate", "options": {"degrees": "many"}}]},
            "option degrees is 'many'; expected float",
        ),
        (
            {"training.augmentation": [{"name": "reweight", "options": {"columns": ["pt", "eeta"]}}]},
            "the store has no column 'eeta'; did you mean 'eta'",
        ),
        ({"training.device": "cuda"}, "torch finds no GPU"),
        ({"training.threads": 1000}, "this machine has"),
    ],
)
def test_mistakes_are_one_line(overrides, message, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ParticleViTError) as error:
        check_study(load_recipe("electron_photon", overrides), columns=("pt", "eta"))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("train", ()),
        ("ingest", ("--recipe", "my.yaml", "--output", "store", "--files", "none.hdf5")),
    ],
)
def test_nothing_was_done_yet(command, words, script, tmp_path):
    recipe = "name: electron_photon\nclasses: [photon, electron]\nimage: {channels: [{name: energy}]}\n"
    (tmp_path / "my.yaml").write_text(recipe + "model: {name: vit, options: {dpeth: 3}}\n")
    done = script(command, *(words or ("--recipe", "my.yaml")), check=2, cwd=tmp_path)
    assert "model 'vit' has no option 'dpeth'; did you mean 'depth'" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["my.yaml"]


def test_the_help_names_every_choice():
    groups = recipe_options(("transforms", "model", "training")).values()
    texts = {option.name: option.text for options in groups for option in options}
    for key, names in (
        ("model.name", list_models()),
        ("transforms", list_steps()),
        ("training.augmentation", list_transforms()),
    ):
        assert [name for name in names if f" {name}" not in texts[key]] == [], key


def test_a_source_has_a_reader():
    hints = typing.get_type_hints(Inputs)
    assert set(typing.get_args(hints["source"])) == set(SOURCES)
    assert {field.name for field in dataclasses.fields(Inputs)} == set(hints)


@pytest.mark.parametrize(("option", "value"), [("--trials", 0), ("--workers", -1)])
def test_a_search_needs_trials_and_workers(script, tmp_path, option, value):
    words = ("--recipe", "top_tagging", "--store", tmp_path, "--output", tmp_path / "study", option, value)
    done = script("tune", *words, check=2)
    assert "; give 1 or more" in done.stderr
    assert option in done.stderr
