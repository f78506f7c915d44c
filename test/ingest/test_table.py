from __future__ import annotations

import os

import awkward as ak
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot

from RecoE2E.ParticleViT.errors import InputError
from RecoE2E.ParticleViT.ingest.tables.base import Jagged, check_finite, file_kind, require
from RecoE2E.ParticleViT.ingest.tables.opening import open_table
from RecoE2E.ParticleViT.ingest.tables.root import parse_type

LISTS = [[1.0, 2.0], [], [3.0], [4.0, 5.0, 6.0]]
NESTED = [[[1.0], [2.0, 3.0]], [], [[]], [[4.0]]]


def to_lists(values):
    if not isinstance(values, Jagged):
        return np.asarray(values).tolist()
    inner = to_lists(values.values)
    return [inner[a:b] for a, b in zip(values.offsets[:-1], values.offsets[1:], strict=True)]


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        ("float", 0), ("int32_t", 0), ("bool", 0), ("std::int32_t", 0), ("float[]", 1), ("uint8_t[3]", 1),
        ("std::vector<float>", 1), ("std::vector<std::vector<float>>", 2), ("vector<vector<float> >", 2),
        ("ROOT::VecOps::RVec<double>", 1), ("std::array<float, 3>", 1), ("std::string", None),
        ("std::vector<std::string>", None), ("TLorentzVector", None), ("unsigned int", 0),
    ],
)  # fmt: skip
def test_cpp_types(text, depth):
    assert parse_type(text).depth == depth


def make_ttree(path):
    with uproot.recreate(path) as file:
        file.mktree("Events", {"lists": "var * float32", "flat": "int64"})
        file["Events"].extend({"lists": ak.Array(LISTS), "flat": np.arange(4)})
    return path


def make_rntuple(path):
    with uproot.recreate(path) as file:
        array = ak.Array({"lists": LISTS, "flat": np.arange(4), "nested": NESTED})
        file.mkrntuple("Events", ak.Array({"lists": LISTS, "flat": np.arange(4), "nested": NESTED}))
        del array
    return path


def make_parquet(path):
    table = pa.table({"lists": LISTS, "flat": np.arange(4), "nested": NESTED, "word": ["a"] * 4})
    pq.write_table(table, path, row_group_size=3)
    return path


@pytest.mark.parametrize(
    ("make", "nested"), [(make_ttree, False), (make_rntuple, True), (make_parquet, True)]
)
def test_formats_give_the_same_columns(tmp_path, make, nested):
    table = open_table(str(make(tmp_path / "file.root")), "Events")
    assert table.entries == 4
    assert (table.fields["lists"].depth, table.fields["flat"].depth) == (1, 0)
    for start, stop in ((0, 4), (1, 3), (2, 4), (3, 3)):
        columns = table.read(["lists", "flat"], start, stop)
        assert to_lists(columns["lists"]) == LISTS[start:stop]
        assert columns["flat"].tolist() == list(range(start, stop))
        if nested:
            assert to_lists(table.read(["nested"], start, stop)["nested"]) == NESTED[start:stop]


def test_hdf5_columns(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["X"], file["y"], file["group/z"] = np.ones((5, 2, 2)), np.arange(5), np.zeros(5)
        file["word"] = np.array([b"a"] * 5)
    table = open_table(str(tmp_path / "x.h5"), "")
    assert {name: field.depth for name, field in table.fields.items()} == {
        "X": 2,
        "y": 0,
        "group/z": 0,
        "word": None,
    }
    assert table.read(["X", "y"], 1, 4)["y"].tolist() == [1, 2, 3]


def test_hdf5_columns_of_different_lengths(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["X"], file["y"] = np.ones((5, 2, 2)), np.arange(3)
    with pytest.raises(InputError, match="'y' has 3 entries, others 5"):
        open_table(str(tmp_path / "x.h5"), "").read(["X", "y"], 0, 5)


def test_missing_empty_and_foreign_files(tmp_path):
    with pytest.raises(InputError, match=r"not readable \(No such file"):
        file_kind(str(tmp_path / "none.root"))
    (tmp_path / "empty.root").write_bytes(b"")
    with pytest.raises(InputError, match="is empty"):
        file_kind(str(tmp_path / "empty.root"))
    (tmp_path / "text.root").write_text("hello")
    with pytest.raises(InputError, match="expected a file of the kind ROOT, Parquet"):
        file_kind(str(tmp_path / "text.root"))


def test_missing_tree_lists_what_is_there(tmp_path):
    path = str(make_ttree(tmp_path / "a.root"))
    with pytest.raises(InputError, match=r"no tree 'Quarks'; found: Events \(set inputs.tree\)"):
        open_table(path, "Quarks")
    with pytest.raises(InputError, match="did you mean 'Events'"):
        open_table(path, "Event")


def test_missing_and_wrong_columns(tmp_path):
    table = open_table(str(make_parquet(tmp_path / "a.parquet")), "")
    with pytest.raises(
        InputError, match="has no 'part_px' .inputs.fields 'px'.; found: flat, lists, nested, word"
    ):
        require(table, {"px": "part_px"}, 1)
    with pytest.raises(InputError, match="did you mean 'lists'"):
        require(table, {"px": "list"}, 1)
    with pytest.raises(InputError, match="'flat' .* is int64, expected a list of numbers"):
        require(table, {"px": "flat"}, 1)
    with pytest.raises(InputError, match="'lists' .* expected one number"):
        require(table, {"label": "lists"}, 0)
    with pytest.raises(InputError, match="'word' .* is string"):
        require(table, {"label": "word"}, 0)


def test_parquet_null_is_an_error(tmp_path):
    pq.write_table(pa.table({"lists": [[1.0], None], "flat": [1, None]}), tmp_path / "a.parquet")
    table = open_table(str(tmp_path / "a.parquet"), "")
    for name in ("lists", "flat"):
        with pytest.raises(InputError, match=f"entry 1: '{name}' is null"):
            table.read([name], 0, 2)


def test_check_finite_names_the_first_bad_entry():
    values = np.array([1.0, -2.0, np.nan, np.inf])
    entries = np.array([10, 11, 12, 12])
    with pytest.raises(InputError, match="f: entry 12: 'pt' is nan, which is not finite"):
        check_finite("f", "pt", values, entries)
    with pytest.raises(InputError, match="f: entry 11: 'pt' is -2, which is negative"):
        check_finite("f", "pt", values, entries, least=0)
    with pytest.raises(InputError, match="entry 12: 'pt' is inf"):
        check_finite("f", "pt", np.array([[0.0, 1.0], [np.inf, 2.0]]), np.array([11, 12]))
    check_finite("f", "pt", np.array([0, 1]), np.array([0, 1]), least=0)


@pytest.mark.parametrize("make", [make_ttree, make_rntuple, make_parquet])
def test_truncated_files(tmp_path, make):
    path = make(tmp_path / "file.root")
    size = path.stat().st_size
    for keep in (size - 1, size // 2, 100, 5):
        os.truncate(path, keep)
        with pytest.raises(InputError) as raised:
            open_table(str(path), "Events")
        assert "\n" not in str(raised.value)
        assert str(path) in str(raised.value)
