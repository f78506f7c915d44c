from __future__ import annotations

import json
import os
from dataclasses import replace

import h5py
import numpy as np
import pytest

from RecoE2E.ParticleViT.errors import OutputError, StoreError
from RecoE2E.ParticleViT.files import write_json
from RecoE2E.ParticleViT.store import (
    ChannelSpec,
    Domain,
    Grid,
    ImageSpec,
    InputInfo,
    ShardInfo,
    SparseImages,
    SplitInfo,
    StoreInfo,
    open_store,
)
from RecoE2E.ParticleViT.store.reader import read_events
from RecoE2E.ParticleViT.store.writer import write_events

SPEC = ImageSpec((ChannelSpec("energy", "GeV", "energy"), ChannelSpec("time", "ns", "time")), 4, 3, (2, 1))
SIZES = (700, 5)


def make_images(events: int) -> np.ndarray:
    random = np.random.default_rng(events)
    images = random.normal(size=(events, *SPEC.shape)).astype(np.float32)
    return images * (random.random(images.shape) < 0.3)


@pytest.fixture
def store(tmp_path):
    """A store with one split in two shards, written by hand."""
    shards, start = [], 0
    for number, events in enumerate(SIZES):
        path = tmp_path / f"shards/train-{number:05d}.h5"
        columns = {
            "entry": np.arange(start, start + events),
            "pt": np.linspace(0, 1, events, dtype=np.float32),
        }
        write_events(path, SparseImages.from_dense(make_images(events)), np.arange(events) % 2, columns)
        shards.append(ShardInfo.of(tmp_path, path, events))
        start += events
    info = StoreInfo(
        id="abc",
        name="test",
        image=SPEC,
        classes=("photon", "electron"),
        columns=("entry", "pt"),
        split={"train": 1.0, "seed": 1},
        splits={"train": SplitInfo(start, {"photon": 353, "electron": 352}, tuple(shards))},
        inputs=(InputInfo("a.root", "00", 10, start, start),),
    )
    write_json(tmp_path / "store.json", info.to_dict())
    return tmp_path, info


def test_store_json_round_trip(store):
    path, info = store
    assert open_store(path).info == info


def test_reads_whole_split_in_order(store):
    opened = open_store(str(store[0]))
    batch = opened.read("train")
    np.testing.assert_array_equal(batch.images, np.concatenate([make_images(n) for n in SIZES]))
    assert batch.images.dtype == np.float32
    assert batch.labels.dtype == np.int64
    np.testing.assert_array_equal(batch.columns["entry"], np.arange(sum(SIZES)))
    assert opened.classes == ["photon", "electron"]
    assert opened.events("train") == sum(SIZES)


@pytest.mark.parametrize("limit", [0, 1, 699, 703, 9999])
def test_limit(store, limit):
    batch = open_store(store[0]).read("train", limit=limit)
    expected = min(limit, sum(SIZES))
    assert batch.images.shape == (expected, *SPEC.shape)
    assert len(batch.labels) == len(batch.columns["pt"]) == expected


def test_blocks_cover_the_split_once(store):
    opened = open_store(store[0])
    events = [opened.read_block("train", block, ["entry"]) for block in opened.blocks("train", 100)]
    assert max(len(block.labels) for block in events) == 100
    entries = np.concatenate([block.columns["entry"] for block in events])
    np.testing.assert_array_equal(entries, np.arange(sum(SIZES)))
    assert "pt" not in events[0].columns


def test_unknown_split_names_the_known(store):
    with pytest.raises(StoreError, match="no split 'tset'; known: train"):
        open_store(store[0]).read("tset")


def test_missing_and_unfinished_stores(tmp_path):
    with pytest.raises(StoreError, match="no such folder"):
        open_store(tmp_path / "nothing")
    with pytest.raises(StoreError, match="no store"):
        open_store(tmp_path)
    (tmp_path / ".parts").mkdir()
    with pytest.raises(StoreError, match="unfinished ingest"):
        open_store(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema_version": 1}', '{"schema_version": 99}'])
def test_unreadable_store_json(store, text):
    (store[0] / "store.json").write_text(text)
    with pytest.raises(StoreError, match=r"store\.json") as raised:
        open_store(store[0])
    assert "\n" not in str(raised.value)


def test_truncated_or_missing_shard(store):
    shard = store[0] / "shards/train-00001.h5"
    os.truncate(shard, shard.stat().st_size // 2)
    with pytest.raises(StoreError, match=r"train-00001\.h5: has \d+ bytes, expected"):
        open_store(store[0])
    with pytest.raises(StoreError, match="damaged"):
        read_events(shard, 0, 5)
    shard.unlink()
    with pytest.raises(StoreError, match="is missing"):
        open_store(store[0])


def test_a_flipped_bit_is_noticed(store):
    """Wherever it is in a shard, and whatever is read of it."""
    path = store[0] / "shards/train-00001.h5"
    whole = path.read_bytes()
    for position in np.random.default_rng(1).integers(0, 8 * len(whole), 50).tolist():
        damaged = bytearray(whole)
        damaged[position // 8] ^= 1 << position % 8
        path.write_bytes(damaged)
        opened = open_store(store[0])
        with pytest.raises(StoreError, match=r"train-00001\.h5: damaged .* ingest again"):
            opened.read("train")
        with pytest.raises(StoreError, match=r"train-00001\.h5: damaged .* ingest again"):
            opened.read_columns("train", ["pt"])


def test_offsets_that_decrease_are_damage(tmp_path):
    """Files of unfinished ingests have no checksum yet."""
    path = tmp_path / "part.h5"
    write_events(path, SparseImages.from_dense(make_images(20)), np.zeros(20), {})
    with h5py.File(path, "r+") as file:
        file["offsets"][7] = 10**6
    with pytest.raises(StoreError, match=r"part\.h5.*offsets decrease"):
        read_events(path, 0, 20)


def test_a_changed_store_json_is_noticed(store):
    path = store[0] / "store.json"
    path.write_text(path.read_text().replace("353", "352"))
    with pytest.raises(StoreError, match=r"store\.json: .*damaged, or changed by hand"):
        open_store(store[0])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("name", ["store.json", "shards/train-00000.h5"])
def test_no_permission_is_not_damage(store, name):
    (store[0] / name).chmod(0)
    with pytest.raises(StoreError, match="no permission to read it"):
        open_store(store[0]).read("train")


def test_check_model_names_both_sides(store):
    opened = open_store(store[0])
    opened.check_model(SPEC, ["photon", "electron"])
    with pytest.raises(StoreError, match=r"classes are \['photon', 'electron'\].*\['qcd', 'top'\]"):
        opened.check_model(SPEC, ["qcd", "top"])
    other = ImageSpec((ChannelSpec("pt", "GeV", "energy"),), 4, 3, (2, 1))
    with pytest.raises(StoreError, match=r"channels are \['energy', 'time'\].*\['pt'\]"):
        opened.check_model(other, ["photon", "electron"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": (1, 1)}, r"seed cell is \[2, 1\], the model's is \[1, 1\]"),
        ({"tier": "reduced"}, "tier is full, the model's is reduced"),
        ({"grid": Grid("eta_phi", 0.8, 0.8)}, "grid is .*crystals.*eta_phi"),
        ({"jet_seed": "sum"}, "jet seed is none, the model's is sum"),
        ({"track_position": "vertex"}, "track position is none, the model's is vertex"),
        (
            {"channels": (SPEC.channels[0], replace(SPEC.channels[1], kind="count"))},
            "kinds are .*time.*count",
        ),
    ],
)
def test_a_model_of_other_pictures_is_refused(store, change, message):
    with pytest.raises(StoreError, match=message):
        open_store(store[0]).check_model(replace(SPEC, **change), ["photon", "electron"])


def test_who_may_score_whose_hits(store):
    """A model of the tier mini drops surplus hits itself; nobody else takes hits of another tier."""
    opened, classes = open_store(store[0]), ["photon", "electron"]
    opened.check_model(replace(SPEC, tier="mini"), classes)
    opened.check_model(replace(SPEC, domain=Domain(pt=(10.0, None))), classes)  # not of the images
    opened.info = replace(opened.info, image=replace(SPEC, tier="mini"))
    for tier in ("full", "reduced"):
        with pytest.raises(StoreError, match="tier is mini"):
            opened.check_model(replace(SPEC, tier=tier), classes)


def test_a_store_of_version_1_says_what_to_do(store):
    path = store[0] / "store.json"
    content = json.loads(path.read_text())
    write_json(path, {**content, "schema_version": 1})
    with pytest.raises(StoreError, match=r"schema version 1, expected 2 .*ingest the inputs again"):
        open_store(store[0])


def test_shard_bytes_depend_on_content_only(tmp_path):
    images = SparseImages.from_dense(make_images(50))
    for name in ("a.h5", "b.h5"):
        write_events(tmp_path / name, images, np.zeros(50), {"x": np.ones(50), "a": np.ones(50)})
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.h5", "b.h5"]


def test_unwritable_folder_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        write_events(tmp_path / "file/x.h5", SparseImages.empty((1, 2, 2)), np.zeros(0), {})


def test_store_json_is_plain_json(store):
    content = json.loads((store[0] / "store.json").read_text())
    assert [channel["name"] for channel in content["image"]["channels"]] == ["energy", "time"]
    assert content["splits"]["train"]["per_class"] == {"photon": 353, "electron": 352}
