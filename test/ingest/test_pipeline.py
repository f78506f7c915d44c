from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from RecoE2E.ParticleViT.errors import InputError, OutputError, RecipeError, StoreError
from RecoE2E.ParticleViT.ingest import ingest_files, pipeline, plan, stages
from RecoE2E.ParticleViT.ingest.tables.temporary import TemporaryError
from RecoE2E.ParticleViT.recipe import load_recipe
from RecoE2E.ParticleViT.store import open_store, writer


def digest(folder: Path) -> str:
    """A hash of every file below the folder."""
    total = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        total.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return total.hexdigest()


def identities(store, split):
    columns = store.read(split).columns
    return set(zip(columns["source"].tolist(), columns["entry"].tolist(), strict=True))


SMALL = plan.Sizes(unit_entries=500, shard_events=400)
ingest_small = partial(ingest_files, sizes=SMALL)


def test_every_event_lands_once_in_the_split_of_its_hash(tmp_path, jets_root, recipe):
    result = ingest_files(recipe, tmp_path / "store", str(jets_root))
    store = open_store(tmp_path / "store")
    sets = [identities(store, split) for split in ("train", "validation", "test")]
    assert [len(some) for some in sets] == [store.events(split) for split in ("train", "validation", "test")]
    assert set.union(*sets) == {(0, entry) for entry in range(3000)}
    assert sum(len(some) for some in sets) == 3000
    assert 2250 < store.events("train") < 2550
    assert store.info.splits["train"].per_class.keys() == {"qcd", "top"}
    assert store.info.inputs[0].entries == store.info.inputs[0].selected == 3000
    assert {"pt", "eta", "phi", "mass", "multiplicity", "entry", "source"} == set(store.info.columns)
    assert "train: " in result.summary()
    assert str(tmp_path / "store") in result.summary()
    assert sorted(path.name for path in (tmp_path / "store").iterdir()) == ["shards", "store.json"]


def test_split_does_not_change_when_files_are_added(tmp_path, jets_root, helpers, recipe):
    ingest_files(recipe, tmp_path / "one", str(jets_root))
    helpers.root(tmp_path / "zz.root", helpers.jets(1000, seed=2))
    ingest_files(recipe, tmp_path / "two", str(tmp_path / "*.root"))
    for split in ("train", "validation", "test"):
        two = identities(open_store(tmp_path / "two"), split)
        assert identities(open_store(tmp_path / "one"), split) == {key for key in two if key[0] == 0}


def test_events_are_shuffled_across_inputs(tmp_path, jets_root, helpers, recipe):
    helpers.root(tmp_path / "zz.root", helpers.jets(3000, seed=2))
    ingest_files(recipe, tmp_path / "store", str(tmp_path / "*.root"))
    columns = open_store(tmp_path / "store").read("train").columns
    for values in (columns["source"], columns["entry"]):
        assert abs(np.corrcoef(values[:-1], values[1:])[0, 1]) < 0.06


def test_units_and_shards_do_not_change_the_events(tmp_path, jets_root, recipe):
    ingest_small(recipe, tmp_path / "store", str(jets_root))
    store = open_store(tmp_path / "store")
    assert len(store.info.splits["train"].shards) == 6
    assert sum(len(identities(store, split)) for split in ("train", "validation", "test")) == 3000


def test_test_inputs_alone_and_beside_inputs(tmp_path, jets_root, helpers, recipe):
    fixed = helpers.root(tmp_path / "fixed.root", helpers.jets(500, seed=3))
    ingest_files(recipe, tmp_path / "alone", (), str(fixed))
    assert list(open_store(tmp_path / "alone").info.splits) == ["test"]
    assert open_store(tmp_path / "alone").events("test") == 500
    ingest_files(recipe, tmp_path / "both", str(jets_root), str(fixed))
    both = open_store(tmp_path / "both")
    assert both.events("test") == 500
    assert both.events("train") + both.events("validation") == 3000
    assert both.events("train") / 3000 == pytest.approx(8 / 9, abs=0.02)
    with pytest.raises(InputError, match="given twice"):
        ingest_files(recipe, tmp_path / "leak", str(tmp_path / "*.root"), str(fixed))


def test_same_again_is_finished_and_other_is_refused(tmp_path, jets_root, recipe):
    store = tmp_path / "store"
    ingest_files(recipe, store, str(jets_root))
    before = digest(store)
    again = ingest_files(recipe, store, str(jets_root))
    assert again.finished_before
    assert "already finished" in again.summary()
    recipe.image.height = 16
    with pytest.raises(StoreError, match="holds a store of another recipe or other inputs"):
        ingest_files(recipe, store, str(jets_root))
    assert digest(store) == before


def test_folder_with_other_files_is_refused(tmp_path, jets_root, recipe):
    (tmp_path / "home").mkdir()
    (tmp_path / "home/thesis.tex").write_text("precious")
    with pytest.raises(StoreError, match=r"holds other files \(thesis.tex"):
        ingest_files(recipe, tmp_path / "home", str(jets_root))
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("stage", ["run_unit", "run_merge"])
def test_an_interrupted_ingest_continues_to_the_same_store(tmp_path, jets_root, recipe, monkeypatch, stage):
    ingest_small(recipe, tmp_path / "whole", str(jets_root))
    original = getattr(stages, stage)
    calls = []

    def stop_at_third(task):
        calls.append(task)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(task)

    monkeypatch.setattr(pipeline, stage, stop_at_third)
    with pytest.raises(KeyboardInterrupt):
        ingest_small(recipe, tmp_path / "store", str(jets_root))
    with pytest.raises(StoreError, match="unfinished ingest"):
        open_store(tmp_path / "store")
    ingest_small(recipe, tmp_path / "store", str(jets_root))
    assert digest(tmp_path / "store") == digest(tmp_path / "whole")
    assert len(calls) < {"run_unit": 9, "run_merge": 8}[stage]  # what was done is not repeated


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
@pytest.mark.parametrize("kind", [".parts/*.h5", "shards/*.h5", ".parts/*.h5.sha256"])
def test_what_was_damaged_in_between_is_made_again(tmp_path, jets_root, recipe, monkeypatch, kind, damage):
    ingest_small(recipe, tmp_path / "whole", str(jets_root))
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "_info", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            ingest_small(recipe, tmp_path / "store", str(jets_root))
    file = sorted((tmp_path / "store").glob(kind))[0]
    content = bytearray(file.read_bytes())
    content[len(content) * 2 // 3] ^= 1
    file.write_bytes(content[: len(content) // 2] if damage == "truncate" else content)
    if damage == "remove":
        file.unlink()
    ingest_small(recipe, tmp_path / "store", str(jets_root))
    assert digest(tmp_path / "store") == digest(tmp_path / "whole")


def test_an_unfinished_ingest_of_something_else_is_refused(tmp_path, jets_root, recipe, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "run_merge", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            ingest_files(recipe, tmp_path / "store", str(jets_root))
    recipe.split.seed = 1
    with pytest.raises(StoreError, match="unfinished ingest of another recipe"):
        ingest_files(recipe, tmp_path / "store", str(jets_root))


def _interrupt(*arguments):
    raise KeyboardInterrupt


def test_two_ingests_into_one_folder(tmp_path, jets_root, recipe):
    (tmp_path / "store").mkdir()
    with (tmp_path / "store/.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(OutputError, match="another ingest is writing here"):
            ingest_files(recipe, tmp_path / "store", str(jets_root))
    ingest_files(recipe, tmp_path / "store", str(jets_root))


def test_a_full_disk_is_told_and_the_ingest_continues_later(tmp_path, jets_root, recipe, monkeypatch):
    ingest_small(recipe, tmp_path / "whole", str(jets_root))
    with monkeypatch.context() as patch:
        patch.setattr(writer.os, "replace", _full_disk)
        with pytest.raises(OutputError, match="no space left on the disk.*; free some space"):
            ingest_small(recipe, tmp_path / "store", str(jets_root))
    ingest_small(recipe, tmp_path / "store", str(jets_root))
    assert digest(tmp_path / "store") == digest(tmp_path / "whole")


def _full_disk(*arguments):
    if str(arguments[1]).endswith(".h5"):
        raise OSError(errno.ENOSPC, "No space left on device")
    Path(arguments[0]).rename(arguments[1])


def test_single_class_and_no_event_leave_nothing(tmp_path, helpers, recipe):
    jets = helpers.jets(100)
    jets["is_signal"][:] = 1
    one = helpers.root(tmp_path / "one.root", jets)
    with pytest.raises(
        InputError, match=r"only events of class 'top' \(labels of the first: 1\), expected qcd, top"
    ):
        ingest_files(recipe, tmp_path / "store", str(one))
    jets["is_signal"][:] = 5
    none = helpers.root(tmp_path / "none.root", jets)
    with pytest.raises(InputError, match=r"no selected event \(labels of the first: 5\)"):
        ingest_files(recipe, tmp_path / "store", str(none))
    empty = helpers.root(tmp_path / "empty.root", {name: values[:0] for name, values in jets.items()})
    with pytest.raises(InputError, match="no selected event"):
        ingest_files(recipe, tmp_path / "store", str(empty))
    assert not (tmp_path / "store").exists()


def test_no_inputs(tmp_path, recipe):
    with pytest.raises(InputError, match="no files"):
        ingest_files(recipe, tmp_path / "store")
    with pytest.raises(InputError, match="no file matches"):
        ingest_files(recipe, tmp_path / "store", str(tmp_path / "*.root"))
    with pytest.raises(RecipeError, match="--on-error 'skpi'; did you mean 'skip'"):
        ingest_files(recipe, tmp_path / "store", "x", on_error="skpi")


def make_bad_file(tmp_path, helpers):
    import awkward as ak

    jets = helpers.jets(900, seed=4)
    energy = jets["part_energy"].to_list()
    energy[700][0] = float("nan")
    jets["part_energy"] = ak.values_astype(ak.Array(energy), np.float32)
    return helpers.root(tmp_path / "bad.root", jets)


def test_bad_files_stop_or_are_skipped(tmp_path, jets_root, helpers, recipe):
    ingest_small(recipe, tmp_path / "good", str(jets_root))
    make_bad_file(tmp_path, helpers)
    (tmp_path / "cut.root").write_bytes(jets_root.read_bytes()[:5000])
    (tmp_path / "void.root").write_bytes(b"")
    everything = str(tmp_path / "*.root")
    with pytest.raises(InputError, match=r"cut\.root"):
        ingest_small(recipe, tmp_path / "store", everything)
    result = ingest_small(recipe, tmp_path / "store", everything, on_error="skip")
    assert [entry["file"] for entry in result.info.skipped] == ["cut.root", "void.root", "bad.root"]
    assert "skipped bad.root" in result.summary()
    for split in ("train", "validation", "test"):
        skipped = {entry for _, entry in identities(open_store(tmp_path / "store"), split)}
        assert skipped == {entry for _, entry in identities(open_store(tmp_path / "good"), split)}


def test_bad_value_in_the_middle_leaves_nothing(tmp_path, helpers, recipe):
    bad = make_bad_file(tmp_path, helpers)
    with pytest.raises(InputError, match=r"bad\.root: entry 700: 'part_energy' is nan"):
        ingest_small(recipe, tmp_path / "store", str(bad))
    assert not (tmp_path / "store").exists()


def test_a_file_that_changes_while_it_is_read(tmp_path, jets_root, recipe, monkeypatch):
    original = stages.open_images

    def touch(path, recipe):
        source = original(path, recipe)
        os.utime(path, ns=(1, 1))
        return source

    monkeypatch.setattr(stages, "open_images", touch)
    with pytest.raises(InputError, match="changed while it was read"):
        ingest_files(recipe, tmp_path / "store", str(jets_root))


def test_a_file_that_vanishes_while_it_is_read(tmp_path, jets_root, recipe, monkeypatch):
    original = pipeline._run

    def remove(*arguments):
        jets_root.unlink()
        return original(*arguments)

    monkeypatch.setattr(pipeline, "_run", remove)
    with pytest.raises(InputError, match=r"jets\.root: .*No such file"):
        ingest_files(recipe, tmp_path / "store", str(jets_root))


def test_mixed_schemas_in_one_glob(tmp_path, jets_root, helpers, recipe):
    jets = helpers.jets(10)
    jets["e"] = jets.pop("part_energy")
    helpers.root(tmp_path / "other.root", jets)
    with pytest.raises(InputError, match=r"other\.root: tree 'Events' has no 'part_energy'"):
        ingest_files(recipe, tmp_path / "store", str(tmp_path / "*.root"))


def test_processes_give_the_same_store_bit_for_bit(tmp_path, jets_root, recipe):
    ingest_files(recipe, tmp_path / "one", str(jets_root))
    ingest_files(recipe, tmp_path / "two", str(jets_root), workers=2)
    assert digest(tmp_path / "one") == digest(tmp_path / "two")


def test_a_running_dask_cluster(tmp_path, jets_root, recipe):
    """Threads here; a real cluster differs by its address only."""
    distributed = pytest.importorskip("distributed")
    ingest_small(recipe, tmp_path / "one", str(jets_root))
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**options, protocol="tcp") as cluster:
        ingest_small(recipe, tmp_path / "two", str(jets_root), scheduler=cluster.scheduler_address)
    assert digest(tmp_path / "one") == digest(tmp_path / "two")


def test_progress_survives_a_server_that_is_gone_for_now(tmp_path, jets_root, recipe, monkeypatch):
    ingest_small(recipe, tmp_path / "whole", str(jets_root))
    original = stages.open_images
    calls = []

    def gone_at_third(path, recipe):
        calls.append(path)
        if len(calls) == 3:
            raise TemporaryError("no answer")
        return original(path, recipe)

    monkeypatch.setattr(stages, "open_images", gone_at_third)
    with pytest.raises(InputError, match="no answer"):
        ingest_small(recipe, tmp_path / "store", str(jets_root))
    ingest_small(recipe, tmp_path / "store", str(jets_root))
    assert digest(tmp_path / "store") == digest(tmp_path / "whole")
    assert len(calls) == 7  # 6 units, one of them twice


def test_real_crops_are_much_smaller_than_dense(tmp_path, shared_data):
    recipe = load_recipe("electron_photon")
    ingest_files(recipe, tmp_path / "store", str(shared_data / "electron_photon_cms_ecal_100.hdf5"))
    store = open_store(tmp_path / "store")
    size = sum(shard.bytes for split in store.info.splits.values() for shard in split.shards)
    assert 100 * 2 * 32 * 32 * 4 / size > 8
