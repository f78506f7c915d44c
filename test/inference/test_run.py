from __future__ import annotations

import json
import shutil

import pytest

from RecoE2E.ParticleViT.deployment import export_run
from RecoE2E.ParticleViT.errors import DeploymentError, RunError
from RecoE2E.ParticleViT.inference.manifest import Manifest
from RecoE2E.ParticleViT.inference.metrics import Metrics
from RecoE2E.ParticleViT.inference.run import Run, as_run


def test_a_run_loads_each_thing_once(exported_run):
    run = Run(exported_run)
    assert run.trained_network is run.trained_network
    assert as_run(run) is run
    assert run.recipe.classes == list(run.network.classes)
    assert run.model_size.name == "hybrid_vit"
    assert run.model_size.parameters > 100
    assert run.model_size.flops_per_event > 1000
    assert run.training_time.epochs == len(run.history)
    assert run.training_time.images_per_second > 0
    assert run.metrics.working_points == run.manifest.working_points
    assert run.events().splits == ["train", "validation", "test"]


def test_artefacts_survive_json(exported_run):
    run = Run(exported_run)
    for artefact in (run.metrics, run.manifest):
        plain = json.loads(json.dumps(artefact.to_json()))
        assert plain["format_version"] == artefact.FORMAT_VERSION
        assert type(artefact).from_json(plain) == artefact


def changed(text, **values):
    """Return the text of an artefact with other values, without its checksum."""
    content = {**json.loads(text), **values}
    content.pop("checksum")
    return json.dumps(content)


@pytest.mark.parametrize(
    ("kind", "file", "error"),
    [(Metrics, "metrics.json", RunError), (Manifest, "export/model.json", DeploymentError)],
)
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda text: text[: len(text) // 2], "not readable"),
        (lambda _: "[1, 2]", "expected a mapping"),
        (lambda text: '{"format_version": ' + text.split(",")[0][-1] + "}", "missing required field"),
        (lambda text: changed(text, format_version=9), "format version 9"),
    ],
)
def test_a_torn_or_foreign_artefact_is_one_line(own_run, kind, file, error, damage, words):
    path = own_run / file
    path.write_text(damage(path.read_text()))
    with pytest.raises(error, match=words) as raised:
        kind.read(path, own_run)
    assert str(path) in str(raised.value)
    assert "write it" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_what_is_missing_is_said(small_run, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(small_run, run)
    with pytest.raises(RunError, match=r"metrics\.json: not found; write it again with scripts/evaluate\.py"):
        _ = Run(run).metrics
    with pytest.raises(DeploymentError, match="write it with scripts/export"):
        _ = Run(run).manifest
    with pytest.raises(RunError, match="was not evaluated, so there are no working points"):
        export_run(run)
    with pytest.raises(RunError, match="no such folder"):
        _ = Run(tmp_path / "none").network
