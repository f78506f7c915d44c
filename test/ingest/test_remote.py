from __future__ import annotations

import http.server
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import awkward as ak
import numpy as np
import pytest

from RecoE2E.ParticleViT.errors import InputError
from RecoE2E.ParticleViT.ingest import ingest_files
from RecoE2E.ParticleViT.ingest.tables import remote
from RecoE2E.ParticleViT.recipe import load_recipe
from RecoE2E.ParticleViT.store import open_store

needs_xrootd = pytest.mark.needs("xrootd", "fsspec-xrootd")
needs_http = pytest.mark.needs("aiohttp")


XROOTD_AND_TORCH = """
import torch
from RecoE2E.ParticleViT.ingest.tables import remote
remote.filesystem("root://127.0.0.1:9//x.root")
print("done")
"""


@pytest.mark.needs("fsspec-xrootd")
def test_xrootd_ends_without_a_warning():
    done = subprocess.run(
        [sys.executable, "-c", XROOTD_AND_TORCH], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("done\n", "")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RangeHandler(http.server.SimpleHTTPRequestHandler):
    """A file server that answers range requests, as real ones do."""

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        header = self.headers.get("Range")
        path = Path(self.translate_path(self.path))
        if not header or not path.is_file():
            return super().do_GET()
        content = path.read_bytes()
        first, _, last = header.removeprefix("bytes=").partition("-")
        begin = int(first) if first else len(content) - int(last)
        end = min(int(last), len(content) - 1) if first and last else len(content) - 1
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {begin}-{end}/{len(content)}")
        self.send_header("Content-Length", str(end - begin + 1))
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        self.wfile.write(content[begin : end + 1])
        return None


@pytest.fixture(scope="module")
def served(helpers):
    """A world-readable folder with the same jets in ROOT and Parquet, and images in HDF5."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        jets = helpers.jets(600)
        helpers.root(Path(folder) / "jets.root", jets)
        ak.to_parquet(ak.Array(jets), Path(folder) / "jets.parquet")
        images = np.random.default_rng(1).random((60, 32, 32, 2)).astype("f4")
        helpers.images(Path(folder) / "crops.hdf5", images, np.arange(60) % 2)
        for path in Path(folder).iterdir():
            path.chmod(0o644)
        yield Path(folder)


@pytest.fixture(scope="module")
def http_url(served):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(RangeHandler, directory=str(served)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def xrootd_url(served):
    """A real xrootd server on the loopback interface."""
    port = free_port()
    with tempfile.TemporaryDirectory() as state:
        Path(state).chmod(0o777)
        config = Path(state) / "xrootd.cfg"
        config.write_text(
            f"all.export /\noss.localroot {served}\nxrd.port {port}\n"
            f"all.adminpath {state}\nall.pidpath {state}\n"
        )
        command = ["xrootd", "-c", str(config), "-l", f"{state}/log", "-p", str(port)]
        if os.geteuid() == 0:
            command += ["-R", "nobody"]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait_for(port, server)
            yield f"root://127.0.0.1:{port}/"
        finally:
            server.terminate()
            server.wait(10)


def _wait_for(port: int, server: subprocess.Popen) -> None:
    for _ in range(100):
        if server.poll() is not None:
            pytest.skip("xrootd does not start here")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)


def events(store):
    batch = open_store(store).read("train")
    return batch.images, batch.labels


def check_same(tmp_path, url, local, recipe):
    ingest_files(recipe, tmp_path / "remote", url)
    ingest_files(recipe, tmp_path / "local", str(local))
    for first, second in zip(events(tmp_path / "remote"), events(tmp_path / "local"), strict=True):
        np.testing.assert_array_equal(first, second)
    assert open_store(tmp_path / "remote").info.inputs[0].sha256.startswith("ends-")


@needs_http
@pytest.mark.parametrize("name", ["jets.root", "jets.parquet", "crops.hdf5"])
def test_http(tmp_path, served, http_url, name):
    recipe = load_recipe("electron_photon" if name == "crops.hdf5" else "top_tagging")
    check_same(tmp_path, f"{http_url}/{name}", served / name, recipe)


@needs_xrootd
@pytest.mark.parametrize("name", ["/jets.root", "/*.root", "/jets.parquet"])
def test_xrootd(tmp_path, served, xrootd_url, name, recipe):
    check_same(tmp_path, xrootd_url + name, f"{served}{name}", recipe)


@needs_http
def test_missing_remote_file(tmp_path, http_url, recipe):
    with pytest.raises(InputError, match="the server has no such file"):
        ingest_files(recipe, tmp_path / "store", f"{http_url}/none.root")
    assert not (tmp_path / "store").exists()


@needs_http
@pytest.mark.parametrize("kind", ["http", pytest.param("root", marks=needs_xrootd)])
def test_unreachable_server_ends_clearly(tmp_path, recipe, monkeypatch, kind):
    monkeypatch.setattr(remote.time, "sleep", lambda seconds: None)
    with pytest.raises(InputError, match=r"no answer in 3 tries"):
        ingest_files(recipe, tmp_path / "store", f"{kind}://127.0.0.1:{free_port()}//jets.root")


def test_unknown_kind_of_url(tmp_path, recipe):
    with pytest.raises(InputError, match="use root://, http:// or a local path"):
        ingest_files(recipe, tmp_path / "store", "gopher://host/jets.root")
