"""The C++ programs score as Python does, say what a call costs, and refuse what they cannot score."""

import hashlib
import json

import numpy as np
import pytest

PROGRAMS = [("scoreOnnx", "model.onnx"), ("scoreTorch", "model.pt")]


@pytest.mark.parametrize("batch", [1, 7, 64])
@pytest.mark.parametrize(("name", "model"), PROGRAMS)
def test_scores_agree_with_python(program, model_dir, images, expected, tmp_path, name, model, batch):
    np.save(tmp_path / "images.npy", images)
    done = program(name, model_dir / model, tmp_path / "images.npy", tmp_path / "scores.npy", batch)
    np.testing.assert_allclose(np.load(tmp_path / "scores.npy"), expected, atol=1e-5, rtol=0)
    result = json.loads(done.stdout)
    assert result["events"] == 300
    assert result["batch"] == batch
    assert result["calls"] == 300 // batch
    assert 0 < result["latency_ms"]["median"] <= result["latency_ms"]["p95"]
    assert result["peak_rss_mb"] > 10


@pytest.mark.parametrize(("name", "model"), PROGRAMS)
def test_the_peak_of_memory_is_not_that_of_the_process_that_started_it(
    program, model_dir, images, tmp_path, name, model
):
    np.save(tmp_path / "images.npy", images)
    files = (model_dir / model, tmp_path / "images.npy", tmp_path / "scores.npy")
    first = json.loads(program(name, *files, 7).stdout)["peak_rss_mb"]
    held = np.ones(100_000_000)  # 800 MB
    second = json.loads(program(name, *files, 7).stdout)["peak_rss_mb"]
    assert held.nbytes / 1e6 > second
    assert second == pytest.approx(first, rel=0.2)


@pytest.mark.parametrize(("name", "model"), PROGRAMS)
def test_images_that_are_not_finite_get_no_score(program, model_dir, images, expected, tmp_path, name, model):
    bad = images.copy()
    bad[3, 0, 5, 5] = np.nan
    bad[299, 1, 0, 0] = np.inf
    np.save(tmp_path / "images.npy", bad)
    done = program(name, model_dir / model, tmp_path / "images.npy", tmp_path / "scores.npy", 10)
    scores = np.load(tmp_path / "scores.npy")
    assert done.stderr.startswith("2 images")
    assert (scores[[3, 299]] == -1).all()
    good = np.delete(np.arange(300), [3, 299])
    np.testing.assert_allclose(scores[good], expected[good], atol=1e-5, rtol=0)


@pytest.mark.parametrize(("name", "model"), PROGRAMS)
def test_bad_input_is_named(program, model_dir, broken_model, images, tmp_path, name, model):
    def error(folder, array):
        np.save(tmp_path / "images.npy", array)
        done = program(name, folder / model, tmp_path / "images.npy", tmp_path / "scores.npy", check=2)
        assert not (tmp_path / "scores.npy").exists()
        return done.stderr

    assert "model.json" in error(tmp_path / "missing", images)
    assert "32 x 32" in error(model_dir, images[:, :, :31])
    assert "expected float32" in error(model_dir, images.astype(np.float64))
    folder = broken_model(format_version=1)
    assert "format_version 1, expected 2; export the run again with this version" in error(folder, images)
    (folder / "model.json").write_bytes((model_dir / "model.json").read_bytes())
    (folder / model).write_bytes(b"torn")
    assert "the file was damaged or exchanged, export the run again" in error(folder, images)
    torn = {"file": model, "sha256": hashlib.sha256(b"torn").hexdigest()}
    description = json.loads((model_dir / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**description, "onnx": torn}))
    assert error(folder, images)
