from __future__ import annotations

import errno
import json
import os
import subprocess
import sys

import pytest

from RecoE2E.ParticleViT.errors import OutputError
from RecoE2E.ParticleViT.files import atomic_path, check_writable, locked, read_json, unwritable, write_json


def test_an_error_leaves_the_old_file_and_no_rest(tmp_path):
    path = tmp_path / "result.json"
    write_json(path, {"a": 1})

    def fail():
        with atomic_path(path) as partial:
            partial.write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert read_json(path) == {"a": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["result.json"]


def test_folders_are_made_and_files_replaced(tmp_path):
    path = tmp_path / "a" / "b.json"
    write_json(path, [1])
    write_json(path, [2])
    assert json.loads(path.read_text()) == [2]


@pytest.mark.parametrize("content", [{"a": 0.1, "b": [1, None], 3: {"c": float("inf")}}, {}, [1, 2]])
def test_json_reads_back_without_its_checksum(tmp_path, content):
    write_json(tmp_path / "a.json", content)
    assert read_json(tmp_path / "a.json") == json.loads(json.dumps(content))
    write_json(tmp_path / "b.json", json.loads((tmp_path / "a.json").read_text()))
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_a_changed_json_is_refused(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"auc": 0.5})
    path.write_text(path.read_text().replace("0.5", "0.9"))
    with pytest.raises(ValueError, match="damaged, or changed by hand"):
        read_json(path)


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file/a: cannot be written .*choose another place"):
        check_writable(tmp_path / "file" / "a")
    with pytest.raises(OutputError, match="file: cannot be written"):
        write_json(tmp_path / "file" / "a.json", {})
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert "no space left on the disk); free some space" in str(unwritable(tmp_path, full))


def test_a_folder_has_one_writer(tmp_path):
    """The other is another process; when it is killed the folder is free."""
    program = (
        "import sys, time, pathlib; from RecoE2E.ParticleViT.files import locked\n"
        "with locked(pathlib.Path(sys.argv[1]), 'test'): print(flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        with (
            pytest.raises(OutputError, match=r"another test \(process \d+\) is writing here; wait"),
            locked(tmp_path, "test"),
        ):
            pass
        other.kill()
    with locked(tmp_path, "test"):
        pass
    assert not list(tmp_path.iterdir())
