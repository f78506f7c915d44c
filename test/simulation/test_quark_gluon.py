from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import uproot

from RecoE2E.ParticleViT.errors import InputError, OutputError
from RecoE2E.ParticleViT.ingest.sources.base import Events
from RecoE2E.ParticleViT.ingest.sources.dispatch import open_source
from RecoE2E.ParticleViT.recipe import load_recipe
from RecoE2E.ParticleViT.simulation import jet_files, quark_gluon
from RecoE2E.ParticleViT.simulation.response import Images

pytest.importorskip("fastjet", reason="fastjet (extra sim) is not installed")

JETS = 240


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Two files of the same jets."""
    folder = tmp_path_factory.mktemp("jets")
    for suffix in ("parquet", "root"):
        jet_files.write(folder / f"jets.{suffix}", JETS, seed=2)
    return folder


def read(path: Path) -> Events:
    source = open_source(str(path), load_recipe("quark_gluon"))
    return Events.concatenate([source.read(start, stop) for start, stop in source.steps(0, source.entries)])


def test_both_routes_give_the_same_images(folder: Path):
    parquet, ntuple = read(folder / "jets.parquet"), read(folder / "jets.root")
    assert len(parquet) == len(ntuple) == JETS
    np.testing.assert_array_equal(parquet.images.to_dense(), ntuple.images.to_dense())
    np.testing.assert_array_equal(parquet.labels, ntuple.labels)
    for name in ("pt", "mass"):
        np.testing.assert_array_equal(parquet.columns[name], ntuple.columns[name])


def test_public_parquet_layout(folder: Path, tmp_path: Path):
    file = pq.ParquetFile(folder / "jets.parquet")
    assert file.schema_arrow.names == ["X_jets", "pt", "m0", "y"]
    assert (
        str(file.schema_arrow.field("X_jets").type) == "list<element: list<element: list<element: double>>>"
    )
    image = np.array(file.read_row_group(0).column("X_jets")[0].as_py())
    assert image.shape == (3, 125, 125)
    jet_files.write_parquet(tmp_path / "one.parquet", quark_gluon.chunks(9, 2), row_group=1)
    assert pq.ParquetFile(tmp_path / "one.parquet").metadata.num_row_groups == 9


def test_ntuple_layout(folder: Path):
    with uproot.open(folder / "jets.root") as file:
        tree = file["fevt/RHTree"]
        arrays = tree.arrays(entry_stop=5)
        seeds = tree["jetSeed_ieta"].array()
    cells = {"ECAL_energy": 100800, "ECAL_tracksPt": 100800, "EB_energy": 61200, "HBHE_energy": 4032}
    for name, size in cells.items():
        assert set(map(len, arrays[name])) == {size}
    assert {len(jets) for jets in seeds} <= {1, 2}
    assert sum(len(jets) for jets in seeds) == JETS
    np.testing.assert_array_equal(arrays["EB_energy"][0], arrays["ECAL_energy"][0][55 * 360 : 225 * 360])


def test_gluon_jets_are_wider_and_richer(folder: Path):
    events = read(folder / "jets.parquet")
    assert abs(events.labels.mean() - 0.5) < 0.15
    tracks = events.images.to_dense()[:, 0]
    rows, columns = np.indices((125, 125)) - 62
    distance = np.hypot(rows, columns)
    tracks = tracks * (distance < 23)  # R = 0.4
    richness = (tracks > 0).sum((1, 2))
    width = (tracks * distance).sum((1, 2)) / np.maximum(tracks.sum((1, 2)), 1e-6)
    gluon, quark = events.labels == 0, events.labels == 1
    assert richness[gluon].mean() > 1.2 * richness[quark].mean()
    assert width[gluon].mean() > 1.15 * width[quark].mean()
    mass = events.columns["mass"] / events.columns["pt"]
    assert mass[gluon].mean() > mass[quark].mean()


def test_energies_add_up(folder: Path):
    events = read(folder / "jets.parquet")
    assert events.columns["pt"].min() > 70
    distance = np.hypot(*(np.indices((125, 125)) - 62))
    sums = (events.images.to_dense() * (distance < 23)).sum((2, 3)) / events.columns["pt"][:, None]
    assert 0.4 < np.median(sums[:, 0]) < 0.75  # charged share
    assert 0.9 < np.median(sums[:, 1] + sums[:, 2]) < 1.5  # energy, not pT: up to cosh(1.4) more


def test_same_seed_same_file(folder: Path, tmp_path: Path):
    jet_files.write(tmp_path / "again.parquet", JETS, seed=2)
    assert (tmp_path / "again.parquet").read_bytes() == (folder / "jets.parquet").read_bytes()
    first, other = (np.concatenate([c.jets.pt for c in quark_gluon.chunks(30, seed)]) for seed in (2, 3))
    np.testing.assert_array_equal(first, pq.read_table(folder / "jets.parquet")["pt"].to_numpy()[:30])
    assert not np.array_equal(first, other)


def test_crops_at_the_seam_and_at_the_edge():
    rng = np.random.default_rng(1)
    tracks, ecal = rng.random((2, 1, 280, 360), np.float32)
    hbhe = rng.random((1, 56, 72), np.float32)
    rows, columns = np.array([12, 43, 27, 28]), np.array([0, 71, 35, 0])
    zero = np.zeros(4)
    jets = quark_gluon.Jets(np.zeros(4, int), rows, columns, zero, zero, np.zeros(4, int))
    images = quark_gluon.crops(quark_gluon.Collisions(Images(tracks, ecal, hbhe), jets))
    assert images.shape == (4, 3, 125, 125)
    for image, row, column in zip(images, rows, columns, strict=True):
        below, left = row * 5 + 2 - 62, column * 5 + 2 - 62
        wrapped = np.roll(tracks[0], -left, axis=1)[below : below + 125, :125]
        np.testing.assert_array_equal(image[0], wrapped)
        assert image[2, 62, 62] == hbhe[0, row, column] / np.float32(25)


@pytest.mark.parametrize(
    ("name", "events", "seed", "message"),
    [
        ("jets.txt", 5, 1, "suffixes"),
        ("jets.root", 0, 1, "at least one"),
        ("jets.root", 5, -1, "seed -1"),
    ],
)
def test_bad_arguments(tmp_path: Path, name: str, events: int, seed: int, message: str):
    with pytest.raises(InputError, match=message):
        jet_files.write(tmp_path / name, events, seed)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("package", ["fastjet", "pythia8mc"])
def test_missing_package(package: str, tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf"needs {package}.*particlevit\[sim\]"):
        jet_files.write(tmp_path / "jets.root", 5, 1)


@pytest.mark.parametrize("suffix", ["parquet", "root"])
def test_place_that_cannot_be_written(tmp_path: Path, suffix: str):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        jet_files.write(tmp_path / "file" / f"x.{suffix}", 5, 1)


def test_pythia_without_its_data(script, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PYTHIA8DATA", str(tmp_path))
    done = script("simulate", "quark_gluon", "--events", 5, "--output", tmp_path / "x.root", check=2)
    assert "PYTHIA8DATA" in done.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_command_where_a_folder_is_called_python(script, tmp_path: Path):
    (tmp_path / "python").mkdir()
    (tmp_path / "python" / "trap.py").write_text("raise SystemExit(9)")
    done = script("simulate", "quark_gluon", "--events", 5, "--seed", 4, cwd=tmp_path)
    assert "quark_gluon.parquet: 5 events" in done.stdout
    assert pq.read_metadata(tmp_path / "quark_gluon.parquet").num_rows == 5


def test_any_number_of_workers_writes_the_same_file(folder: Path, tmp_path: Path):
    jet_files.write(tmp_path / "jets.parquet", JETS, seed=2, workers=2)
    assert (tmp_path / "jets.parquet").read_bytes() == (folder / "jets.parquet").read_bytes()


def test_pile_up_adds_particles_from_other_vertices():
    few, many = (next(quark_gluon.chunks(60, 2, pile_up)) for pile_up in (0.0, 3.0))
    for layer in ("tracks", "ecal", "hbhe"):
        with_pile_up, without = ((getattr(one.images, layer) > 0).mean() for one in (many, few))
        assert with_pile_up > 1.3 * without
    with pytest.raises(InputError, match="pile-up is -1"):
        next(quark_gluon.chunks(1, 1, -1.0))
