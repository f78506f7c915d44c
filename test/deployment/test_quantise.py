import numpy as np
import pytest

from RecoE2E.ParticleViT.deployment import export_run, quantise
from RecoE2E.ParticleViT.deployment.export import int8_table
from RecoE2E.ParticleViT.errors import DeploymentError
from RecoE2E.ParticleViT.inference.backends import load_run
from RecoE2E.ParticleViT.inference.run import Run
from RecoE2E.ParticleViT.store import open_store


def test_an_int8_export_keeps_the_auc_and_tells_its_price(own_run, small_store, monkeypatch):
    monkeypatch.setattr(quantise, "EXCLUSIONS", (0.0, 0.5))
    content = export_run(own_run, int8=True)
    assert content == Run(own_run).manifest
    entry = content.onnx_int8
    assert entry.bytes < content.onnx.bytes
    assert (entry.opset, entry.ir_version) == (18, 8)
    assert {row.method for row in entry.candidates} >= {"dynamic", entry.method}
    assert "chosen" in int8_table(entry, content.onnx)
    images = open_store(small_store).read("test").images
    difference = load_run(own_run, "onnx_int8").predict(images) - load_run(own_run).predict(images)
    assert 0 < np.abs(difference).mean() < 0.05


def test_int8_is_refused_where_the_auc_suffers(own_run, monkeypatch):
    monkeypatch.setattr(quantise, "MAX_AUC_DIFFERENCE", -1.0)
    monkeypatch.setattr(quantise, "EXCLUSIONS", ())
    with pytest.raises(DeploymentError, match=r"int8 refused: the best, dynamic, changes the AUC by"):
        export_run(own_run, int8=True)
    assert not (own_run / "export/model_int8.onnx").exists()
    assert load_run(own_run, "onnx")


@pytest.mark.parametrize(
    ("shape", "words"), [((0, 2, 24, 24), "empty"), ((4, 1, 24, 24), r"are \(1, 24, 24\)")]
)
def test_an_unfitting_calibration_set_is_named(exported_run, tmp_path, shape, words):
    images = np.zeros(shape, np.float32)
    sample = quantise.Sample(images, images, np.zeros(len(images), np.int64))
    with pytest.raises(DeploymentError, match=words):
        quantise.quantise(exported_run / "export/model.onnx", tmp_path / "int8.onnx", sample)
    assert not list(tmp_path.iterdir())
