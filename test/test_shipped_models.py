"""The exports in data/models, with which the configuration fragments run out of the box."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from RecoE2E.ParticleViT.recipe import load_recipe
from RecoE2E.ParticleViT.store import ImageSpec, image_of_recipe

MODELS = Path(__file__).resolve().parent.parent / "data" / "models"


RECIPES = {
    "electron_photon": "electron_photon",
    "electron_photon_mini": "electron_photon",
    "quark_gluon": "quark_gluon",
}


@pytest.mark.parametrize("name", RECIPES)
def test_a_shipped_model_is_small_whole_and_that_of_its_recipe(name):
    path = MODELS / f"{name}.onnx"
    content = json.loads((MODELS / f"{name}.json").read_text())
    recipe = load_recipe(RECIPES[name])
    assert path.stat().st_size < 1_000_000
    assert hashlib.sha256(path.read_bytes()).hexdigest() == content["onnx"]["sha256"]
    card = (MODELS / f"{name}.md").read_text()
    assert content["onnx"]["sha256"] in card, "make the card anew, see data/models/README.md"
    assert f"# {name}\n" in card
    assert "license: apache-2.0" in card
    assert content["classes"] == recipe.classes
    image = ImageSpec.from_dict(content["image"])
    assert image.shape == image_of_recipe(recipe).shape
    assert image.channels == image_of_recipe(recipe).channels
    assert image.seed == image_of_recipe(recipe).seed
    assert image.tier == ("mini" if name.endswith("mini") else image_of_recipe(recipe).tier)
    assert set(content["working_points"][recipe.classes[-1]]) == {"0.01", "0.05", "0.1"}
    session = onnxruntime.InferenceSession(path)
    for count in (1, 3):
        images = np.zeros((count, *image.shape), np.float32)
        (probabilities,) = session.run([content["output"]], {content["input"]: images})
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
