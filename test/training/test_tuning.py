from __future__ import annotations

import json

import pytest

from RecoE2E.ParticleViT.errors import RecipeError, RunError
from RecoE2E.ParticleViT.recipe import load_recipe
from RecoE2E.ParticleViT.training.learning_rate import find_learning_rate

pytest.importorskip("optuna")

from RecoE2E.ParticleViT.training.tuning import tune

SPACE = {
    "training.learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
    "model.options.dim": {"low": 4, "high": 8, "step": 4},
    "training.label_smoothing": [0.0, 0.1],
}


def small(toy_recipe):
    return toy_recipe(training__max_epochs=1, training__limit=200)


def test_search_and_resume(tmp_path, toy_recipe, toy_store):
    recipe = small(toy_recipe)
    tune(recipe, toy_store, tmp_path, space=SPACE, trials=2)
    search = json.loads((tmp_path / "search.json").read_text())
    del search["recipe"]["model"]["module"]  # a study that was begun before the recipe had this key
    (tmp_path / "search.json").write_text(json.dumps(search))
    best = tune(recipe, toy_store, tmp_path, space=SPACE, trials=3)
    trials = json.loads((tmp_path / "trials.json").read_text())
    assert [trial["state"] for trial in trials] == ["COMPLETE"] * 3
    assert best[0]["values"][0] == max(trial["values"][0] for trial in trials)
    tuned = load_recipe(tmp_path / "best.yaml")
    assert tuned.model.options["dim"] == best[0]["overrides"]["model.options.dim"]
    assert tuned.model.options["depth"] == 1
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {
        "history.png",
        "parallel.png",
        "slices.png",
    }
    with pytest.raises(RunError, match="another space"):
        tune(recipe, toy_store, tmp_path, space={"training.batch_size": [32, 64]}, trials=3)
    (tmp_path / "study.db").unlink()
    with pytest.raises(RunError, match="vanished"):
        tune(recipe, toy_store, tmp_path, space=SPACE, trials=3)


def test_pareto_front_with_two_workers(tmp_path, toy_recipe, toy_store):
    best = tune(
        small(toy_recipe), toy_store, tmp_path, space=SPACE, trials=3, objective="auc,flops", workers=2
    )
    assert all(len(trial["values"]) == 2 for trial in best)
    assert (tmp_path / "plots/pareto.png").exists()
    trials = json.loads((tmp_path / "trials.json").read_text())
    assert sum(trial["state"] == "COMPLETE" for trial in trials) >= 3


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"training.learning_rat": [1e-3]}, "did you mean"),
        ({"training.learning_rate": 3}, "expected a list or low and high"),
        ({"training.learning_rate": {"low": 1, "hi": 2}}, "expected a list or low and high"),
    ],
)
def test_wrong_space(space, message, tmp_path, toy_recipe, toy_store):
    with pytest.raises(RecipeError, match=message):
        tune(small(toy_recipe), toy_store, tmp_path / "study", space=space, trials=1)
    assert not (tmp_path / "study").exists()


def test_unreadable_study(tmp_path, toy_recipe, toy_store):
    (tmp_path / "study.db").write_text("not a database")
    with pytest.raises(RunError, match="not a readable study"):
        tune(small(toy_recipe), toy_store, tmp_path, space=SPACE, trials=1)


def test_range_test(toy_recipe, toy_store):
    found = find_learning_rate(toy_recipe(), toy_store, steps=60)
    assert 1e-5 < found.suggestion < 1
    assert found.rates == sorted(found.rates)
