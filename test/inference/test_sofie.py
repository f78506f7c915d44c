"""Code that ROOT's SOFIE writes, compiled and run, where there is a SOFIE; and what is said where not."""

from __future__ import annotations

import os
import re
import stat

import numpy as np
import onnxruntime
import pytest
from make_small import RECIPE

from RecoE2E.ParticleViT.deployment import export_run
from RecoE2E.ParticleViT.evaluation import evaluate_run
from RecoE2E.ParticleViT.inference.backends import load_run
from RecoE2E.ParticleViT.inference.predictors import BackendUnavailableError
from RecoE2E.ParticleViT.inference.sofie import GENERATOR, for_sofie
from RecoE2E.ParticleViT.recipe import parse_recipe
from RecoE2E.ParticleViT.store import open_store
from RecoE2E.ParticleViT.training import train


@pytest.fixture(scope="module")
def cnn(small_store, tmp_path_factory):
    """An exported run of the CNN."""
    run = tmp_path_factory.mktemp("cnn") / "run"
    settings = {"model.name": "reference_cnn", "model.options": {}, "training.max_epochs": 1}
    train(parse_recipe(RECIPE, settings, "small.yaml"), open_store(small_store), run)
    evaluate_run(run)
    export_run(run)
    return run


def write_generator(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_sofie_gives_the_scores_of_onnxruntime(cnn):
    try:
        sofie = load_run(cnn, "sofie")
    except BackendUnavailableError as error:
        if re.search("not installed|built without|is missing", str(error)):
            pytest.skip(f"{error}")
        raise
    images = np.random.default_rng(1).exponential(1, (70, *sofie.image.shape)).astype(np.float32)
    images[::3] *= images[::3] > 1
    images[7] = 0
    expected = load_run(cnn, "onnx").predict(images)
    np.testing.assert_allclose(sofie.predict(images), expected, atol=1e-5)
    assert sofie.generate_seconds > 0
    assert sofie.compile_seconds > 0


def test_the_graph_for_sofie_is_the_same_function(cnn):
    import onnx

    path = cnn / "export/model.onnx"
    graph = for_sofie(onnx.load(path))
    assert "Sign" not in {node.op_type for node in graph.graph.node}
    sessions = [onnxruntime.InferenceSession(one) for one in (path, graph.SerializeToString())]
    random = np.random.default_rng(1)
    for scale in (0.0, 1e-20, 1.0, -3.0, 1e6):
        shape = (1, *sessions[1].get_inputs()[0].shape[1:])
        image = (scale * random.standard_normal(shape)).astype(np.float32)
        first, second = (session.run(None, {"image": image})[0] for session in sessions)
        np.testing.assert_allclose(first, second, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "echo 'operator Clip is not supported' >&2; exit 1",
            "wrote no code: operator Clip",
        ),
        ("exit 0", "SOFIE wrote no code and did not say why"),
        ("echo 'int main() {' > $2", "does not compile|is not configured|cmake is missing"),
    ],
)
def test_what_hinders_it_is_said(cnn, tmp_path, monkeypatch, text, message):
    monkeypatch.setenv(GENERATOR, write_generator(tmp_path / "generate", text))
    with pytest.raises(BackendUnavailableError, match=message):
        load_run(cnn, "sofie")


def test_a_generator_that_is_not_there(cnn, monkeypatch):
    monkeypatch.setenv(GENERATOR, f"{os.sep}nowhere{os.sep}generate")
    with pytest.raises(BackendUnavailableError, match="No such file"):
        load_run(cnn, "sofie")
