"""Tasks in this process and in local ones; a Dask cluster is in test_pipeline.py."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from RecoE2E.ParticleViT.ingest.executor import executor
from RecoE2E.ParticleViT.ingest.tables.temporary import TemporaryError

ORPHANS = """
import sys, time
from RecoE2E.ParticleViT.ingest.executor import executor
from test_executor import write_pid

if __name__ == "__main__":
    with executor(2) as run_tasks:
        for _ in run_tasks(write_pid, sys.argv[1:]):
            pass
        time.sleep(100)
"""


def write_pid(path):
    with open(path, "x") as file:
        file.write(str(os.getpid()))


@pytest.fixture(params=[1, 2])
def workers(request):
    return request.param


def test_every_task_comes_with_its_result_or_exception(workers, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)  # local processes need no Dask
    with executor(workers) as run_tasks:
        found = dict(run_tasks(math.sqrt, [*range(20), -1]))
        assert list(run_tasks(math.sqrt, [])) == []
    assert isinstance(found.pop(-1), ValueError)
    assert found == {number: math.sqrt(number) for number in range(20)}


def test_a_worker_that_dies_is_told():
    with executor(2) as run_tasks, pytest.raises(TemporaryError, match="ended unexpectedly"):
        list(run_tasks(os._exit, range(5)))


def test_a_scheduler_that_does_not_answer():
    pytest.importorskip("distributed")
    with (
        pytest.raises(TemporaryError, match="no answer within 1 s"),
        executor(1, "tcp://127.0.0.1:9", wait_seconds=1),
    ):
        pass


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_workers_end_with_a_killed_parent(tmp_path):
    paths = [tmp_path / "a", tmp_path / "b"]
    (tmp_path / "main.py").write_text(ORPHANS)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    with subprocess.Popen([sys.executable, tmp_path / "main.py", *paths], env=environment) as process:
        while process.poll() is None and not all(path.is_file() and path.read_text() for path in paths):
            time.sleep(0.01)
        assert process.poll() is None
        process.kill()
    pids = {int(path.read_text()) for path in paths}
    for _ in range(1000):
        if not any(map(is_running, pids)):
            return
        time.sleep(0.01)
    pytest.fail(f"{pids} still run")
