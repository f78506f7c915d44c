"""The model repository for Triton, and scores of a served model; with `-m triton`, on a real server."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from RecoE2E.ParticleViT.deployment.triton import write_model_repository
from RecoE2E.ParticleViT.errors import DeploymentError
from RecoE2E.ParticleViT.inference.backends import load_run
from RecoE2E.ParticleViT.inference.triton import parse_url
from RecoE2E.ParticleViT.store import open_store

SERVE = Path(__file__).with_name("serve.py")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_the_repository_holds_the_export_and_its_description(own_run, tmp_path, script):
    other = tmp_path / "models/other"
    other.mkdir(parents=True)
    done = script("export", "--run", own_run, "--triton", tmp_path / "models")
    assert "config.pbtxt, 1/model.onnx for tritonserver" in done.stdout
    folder = tmp_path / "models/run"
    assert other.is_dir()
    assert (folder / "1/model.onnx").read_bytes() == (own_run / "export/model.onnx").read_bytes()
    assert (folder / "classes.txt").read_text() == "a\nb\n"
    config = (folder / "config.pbtxt").read_text()
    checksum = json.loads((own_run / "export/model.json").read_text())["onnx"]["sha256"]
    for line in ('name: "run"', "max_batch_size: 64", "dims: [ 2, 24, 24 ]", "dims: [ 2 ]", checksum):
        assert line in config


def test_a_repository_that_is_a_file_is_refused_before_anything_is_written(own_run, tmp_path, script):
    (tmp_path / "models").write_text("mine")
    before = {path: path.stat().st_mtime_ns for path in own_run.rglob("*")}
    done = script("export", "--run", own_run, "--triton", tmp_path / "models", check=2)
    assert "models" in done.stderr
    assert {path: path.stat().st_mtime_ns for path in own_run.rglob("*")} == before


@pytest.mark.parametrize(
    ("options", "words"), [({"name": "a/b"}, "no name"), ({"max_batch": 0}, "at least 1")]
)
def test_what_triton_cannot_take_is_refused(exported_run, tmp_path, options, words):
    with pytest.raises(DeploymentError, match=words):
        write_model_repository(exported_run, tmp_path, **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "url", ["grpc://localhost:8001", "localhost", "http://:8000", "localhost:x", "h:1/a b", "[null]"]
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(
        DeploymentError, match="no address of a Triton server; expected http://HOST:PORT/MODEL"
    ):
        parse_url(url, "run")


def test_a_server_that_is_down_is_named(exported_run, script):
    pytest.importorskip("tritonclient")
    port = free_port()
    done = script("validate", "--run", exported_run, "--triton", f"localhost:{port}", check=2)
    assert f"http://localhost:{port}/run: no server answers" in done.stderr


def test_a_silent_server_is_one_line(exported_run, script):
    pytest.importorskip("tritonclient")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"localhost:{silent.getsockname()[1]}"
        options = ("--triton", url, "--timeout", 0.5)
        done = script("validate", "--run", exported_run, *options, check=2)
    assert f"http://{url}/run: no answer within 0.5 s" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_server_that_does_not_answer_is_given_up(exported_run):
    """A server whose machine accepts connections and then says nothing."""
    pytest.importorskip("tritonclient")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://localhost:{silent.getsockname()[1]}"
        start = time.monotonic()
        with pytest.raises(DeploymentError, match=r"no answer within 0\.5 s"):
            load_run(exported_run, url, timeout=0.5)
        assert time.monotonic() - start < 10


@pytest.fixture(scope="module")
def server(request, exported_run, tmp_path_factory):
    """A real Triton server with the models run, other (weights), small (smaller images) and slow."""
    if "triton" not in request.config.getoption("-m"):
        pytest.skip("started when asked for: pytest -m triton")
    repository = tmp_path_factory.mktemp("triton") / "models"
    for name in ("run", "slow"):
        write_model_repository(exported_run, repository, name)
    slow = repository / "slow/config.pbtxt"
    slow.write_text(slow.read_text() + 'parameters {\n  key: "delay_s"\n  value: { string_value: "3" }\n}\n')
    shutil.copytree(repository / "run", repository / "other")
    shutil.copytree(repository / "run", repository / "small")
    for name, change in (("other", ('string_value: "', 'string_value: "0')), ("small", ("24, 24", "24, 12"))):
        config = repository / name / "config.pbtxt"
        config.write_text(config.read_text().replace('name: "run"', f'name: "{name}"').replace(*change))
    environment = os.environ.get("PARTICLEVIT_TRITON") or tmp_path_factory.mktemp("triton") / "environment"
    port = free_port()
    log = repository.parent / "server.log"
    command = [sys.executable, SERVE, repository, "--environment", environment, "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        wait_for(f"http://127.0.0.1:{port}/v2/health/ready", process, log)
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        process.wait()


def wait_for(url, process, log):
    end = time.monotonic() + 600  # the environment may have to be made
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
        else:
            return
    pytest.fail(log.read_text()[-3000:])


@pytest.mark.triton
def test_served_scores_are_those_of_onnxruntime(exported_run, small_store, server):
    images = open_store(small_store).read("test").images
    expected = load_run(exported_run, "onnx").predict(images)
    predictor = load_run(exported_run, server)
    for size in (1, 7, 64, 300):
        assert np.abs(predictor.predict(images, batch_size=size) - expected).max() <= 1e-5


@pytest.mark.triton
def test_a_served_model_is_validated_like_a_local_one(own_run, server, script):
    done = script("validate", "--run", own_run, "--triton", server)
    entry = json.loads((own_run / "validation.json").read_text())["backends"]["triton"]
    assert entry["passed"]
    assert entry["latency_ms"]["1"]["median"] > 0
    assert "triton" in done.stdout


@pytest.mark.triton
@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("none", r"has no model 'none' ready; it has .*run"),
        ("other", "serves another model, with checksum 0"),
        ("small", r"inputs are image FP32 \[-1, 2, 24, 12\], expected image FP32 \[-1, 2, 24, 24\]"),
    ],
)
def test_another_model_on_the_server_is_refused(exported_run, server, model, words):
    with pytest.raises(DeploymentError, match=words):
        load_run(exported_run, f"{server}/{model}")


@pytest.mark.triton
@pytest.mark.parametrize(
    ("model", "words"), [("other", "serves another model"), ("small", "[-1, 2, 24, 12]")]
)
def test_another_model_ends_a_validation(own_run, server, script, model, words):
    done = script("validate", "--run", own_run, "--triton", f"{server}/{model}", check=2)
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.triton
def test_a_slow_model_is_given_up(exported_run, server):
    predictor = load_run(exported_run, f"{server}/slow", timeout=1)
    with pytest.raises(DeploymentError, match="/slow: no answer within 1 s"):
        predictor.predict(np.zeros((1, 2, 24, 24), np.float32))
