from __future__ import annotations

import json

import pytest

from RecoE2E.ParticleViT.files import atomic_path, write_json


def test_an_error_leaves_the_old_file_and_no_rest(tmp_path):
    path = tmp_path / "result.json"
    write_json(path, {"a": 1})

    def fail():
        with atomic_path(path) as partial:
            partial.write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert json.loads(path.read_text()) == {"a": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["result.json"]


def test_folders_are_made_and_files_replaced(tmp_path):
    path = tmp_path / "a" / "b.json"
    write_json(path, [1])
    write_json(path, [2])
    assert json.loads(path.read_text()) == [2]
