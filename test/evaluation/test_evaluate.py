import shutil

import numpy as np
import pytest
from make_small import make_small_run, make_small_store
from sklearn.metrics import roc_auc_score

from RecoE2E.ParticleViT.errors import RecipeError, RunError, StoreError
from RecoE2E.ParticleViT.evaluation import evaluate_run
from RecoE2E.ParticleViT.evaluation.evaluate import check_events, evaluation_folder
from RecoE2E.ParticleViT.files import read_json, write_json
from RecoE2E.ParticleViT.inference.backends import load_run
from RecoE2E.ParticleViT.inference.run import Run
from RecoE2E.ParticleViT.store import open_store


@pytest.fixture(scope="module")
def evaluated(small_run, tmp_path_factory):
    run = shutil.copytree(small_run, tmp_path_factory.mktemp("evaluated") / "run")
    return run, evaluate_run(run)


def test_metrics_follow_the_contract(evaluated, small_store):
    run, content = evaluated
    assert content == Run(run).metrics
    assert content.model.parameters > 0
    assert content.training.epochs == 2
    assert set(content.splits) == {"train", "validation", "test"}
    batch = open_store(small_store).read("test")
    scores = load_run(run).predict(batch.images)[:, 1]
    assert content.test.auc == pytest.approx(roc_auc_score(batch.labels, scores))
    assert 0 < content.test.auc_error < 0.1
    assert set(content.test.background_rejection) == {"0.3", "0.5", "0.8"}


def test_working_points_come_from_the_validation_split(evaluated, small_store):
    run, content = evaluated
    batch = open_store(small_store).read("validation")
    scores = load_run(run).predict(batch.images)[:, 1]
    assert set(content.working_points) == {"b"}
    for target, threshold in content.working_points["b"].items():
        assert np.mean(scores[batch.labels == 0] >= np.float32(threshold)) <= float(target)


def test_figures_are_written(evaluated):
    run, _ = evaluated
    names = {path.name for path in (run / "plots").iterdir()}
    always = {"roc.png", "rejection.png", "scores.png", "learning_curves.png", "reliability.png"}
    assert names == always | {"auc_in_pt.png", "sculpting_pt.png"}


def test_another_store_has_its_own_folder(evaluated, small_store, script):
    run, content = evaluated
    done = script("evaluate", "--run", run, "--store", small_store, "--limit", 100)
    assert "background rejection" in done.stdout
    (folder,) = (run / "evaluations").iterdir()
    assert folder.name == f"store-{open_store(small_store).info.id[:8]}-limit-100"
    assert Run(folder).metrics.test.events == 100
    assert Run(run).metrics == content


def test_a_part_of_the_events_replaces_nothing(evaluated, small_store):
    run, content = evaluated
    evaluate_run(run, limit=64)
    assert Run(run / "evaluations/limit-64").metrics.test.events == 64
    assert Run(run).metrics == content


def test_stores_of_the_same_name_have_folders_of_their_own(evaluated, small_store, tmp_path):
    other = shutil.copytree(small_store, tmp_path / "store")
    content = read_json(other / "store.json")
    write_json(other / "store.json", {**content, "id": "another"})
    folders = [evaluation_folder(Run(evaluated[0]), store, None).path for store in (small_store, other)]
    assert folders[0] != folders[1]


def test_a_negative_limit_is_refused(evaluated):
    with pytest.raises(RecipeError, match="--limit is -1; expected"):
        evaluate_run(evaluated[0], limit=-1)


def test_a_split_without_a_class_is_named(evaluated, small_store, tmp_path):
    run, _ = evaluated
    with pytest.raises(StoreError, match="no event of class b among 1; every class needs events"):
        evaluate_run(run, small_store, tmp_path, limit=1)
    assert not list(tmp_path.iterdir())


def test_command_names_what_is_no_run(tmp_path, script):
    assert "not a run folder" in script("evaluate", "--run", tmp_path, check=2).stderr


def test_a_run_of_another_store_is_refused_before_anything_is_scored(evaluated, tmp_path):
    run, _ = evaluated
    other = make_small_run(make_small_store(tmp_path / "other", seed=2), tmp_path / "run")
    with pytest.raises(RunError, match=r"run: was trained on the store .*other, .* --store STORE"):
        check_events(Run(run), Run(other), None)
    check_events(Run(run), Run(other), tmp_path / "other")


def test_another_run_that_is_none_is_refused_before_anything_is_written(evaluated, tmp_path, script):
    run, _ = evaluated
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    done = script("evaluate", "--run", run, "--against", tmp_path / "none", check=2)
    assert "none" in done.stderr
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before
