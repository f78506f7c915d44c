from __future__ import annotations

import awkward as ak
import numpy as np
import pytest
import uproot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from RecoE2E.ParticleViT.errors import InputError
from RecoE2E.ParticleViT.ingest import ingest_files
from RecoE2E.ParticleViT.recipe import load_recipe

KINDS = ("ttree", "rntuple", "parquet", "hdf5")


@pytest.fixture(scope="module")
def whole(tmp_path_factory, helpers):
    """One good file of each kind: (bytes, suffix, recipe)."""
    folder = tmp_path_factory.mktemp("whole")
    jets = helpers.jets(300)
    helpers.root(folder / "ttree.root", jets)
    with uproot.recreate(folder / "rntuple.root") as file:
        file.mkrntuple("Events", ak.Array(jets))
    ak.to_parquet(ak.Array(jets), folder / "parquet.parquet", row_group_size=100)
    images = np.random.default_rng(1).random((60, 32, 32, 2)).astype("f4")
    helpers.images(folder / "hdf5.hdf5", images, np.arange(60) % 2)
    files = {path.stem: path for path in folder.iterdir()}
    recipes = {"hdf5": "electron_photon"}
    return {kind: (files[kind], load_recipe(recipes.get(kind, "top_tagging"))) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1, exclude_max=True))
def test_cut_anywhere_is_an_error_and_leaves_nothing(tmp_path, whole, kind, share):
    path, recipe = whole[kind]
    content = path.read_bytes()
    cut = tmp_path / f"cut{path.suffix}"
    cut.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError) as raised:
        ingest_files(recipe, tmp_path / "store", str(cut))
    assert "\n" not in str(raised.value)
    assert cut.name in str(raised.value)
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1, exclude_max=True), length=st.integers(1, 200))
def test_a_hole_is_never_a_crash_nor_a_shorter_store(tmp_path, whole, kind, share, length):
    path, recipe = whole[kind]
    content = bytearray(path.read_bytes())
    start = int(share * len(content))
    content[start : start + length] = bytes(len(content[start : start + length]))
    holed = tmp_path / f"holed{path.suffix}"
    holed.write_bytes(content)
    output = tmp_path / f"store_{start}_{length}"
    try:
        result = ingest_files(recipe, output, str(holed))
    except InputError:
        return
    if not result.finished_before:
        assert result.info.inputs[0].entries == (60 if kind == "hdf5" else 300)
