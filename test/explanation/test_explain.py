"""The page of an explanation, from a real run."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from make_small import make_small_run

from RecoE2E.ParticleViT.explanation.explain import Explanation, Sample, choose
from RecoE2E.ParticleViT.files import read_json, write_json
from RecoE2E.ParticleViT.store import open_store
from RecoE2E.ParticleViT.store.writer import write_events

FEW = ("--limit", 60, "--sample", 12, "--events", 1)


@pytest.fixture(scope="module")
def page(small_run, small_store, tmp_path_factory, script):
    folder = tmp_path_factory.mktemp("explained")
    rival = make_small_run(small_store, folder / "rival", seed=2)
    script("explain", "--run", small_run, "--output", folder / "page", "--against", rival, *FEW)
    return folder / "page"


def test_the_page_has_every_part(page):
    text = (page / "explanation.html").read_text()
    for words in (
        "Which maps can be trusted",
        "Highest score",
        "Most different from the other run",
        "rms_phi",
    ):
        assert words in text or words.replace("rms_phi", "standard deviation in phi") in text, words
    content = Explanation.read(page / "explanation.json", page)
    assert set(content.methods) == {"occlusion", "integrated_gradients", "rollout"}
    assert (content.events, content.sample) == (60, 12)
    for judged in content.methods.values():
        assert set(judged) == {"deletion", "insertion"}
        assert all(np.isfinite(list(found.values())).all() for found in judged.values())
    assert len(list(page.glob("event_*.png"))) == len(content.shown)


def test_the_same_seed_gives_the_same(page, small_run, tmp_path, script):
    script("explain", "--run", small_run, "--output", tmp_path, "--methods", "occlusion", *FEW)
    again, first = (json.loads((one / "explanation.json").read_text()) for one in (tmp_path, page))
    assert again["methods"]["occlusion"] == first["methods"]["occlusion"]
    assert set(again["methods"]) == {"occlusion"}


def test_events_without_labels(small_run, small_store, tmp_path, script):
    store = shutil.copytree(small_store, tmp_path / "store")
    content = read_json(store / "store.json")
    content["splits"] = {"train": content["splits"]["train"]}
    events = open_store(small_store).read("train")
    file = store / content["splits"]["train"]["shards"][0]["file"]
    write_events(file, events_sparse(events), np.full(len(events.labels), -1), events.columns)
    content["splits"]["train"]["shards"][0] |= shard_of(store, file, len(events.labels))
    content["splits"]["train"]["per_class"] = {}
    write_json(store / "store.json", content)
    script("explain", "--run", small_run, "--store", store, "--methods", "occlusion", *FEW)
    (found,) = small_run.glob("explanations/store-*/explanation.json")
    shown = json.loads(found.read_text())
    assert shown["split"] == "train"
    assert {one["why"] for one in shown["shown"]} == {"highest score", "lowest score", "middle score"}
    shutil.rmtree(small_run / "explanations")


def events_sparse(events):
    from RecoE2E.ParticleViT.store import SparseImages

    return SparseImages.from_dense(events.images)


def shard_of(store, file, events):
    import dataclasses

    from RecoE2E.ParticleViT.store import ShardInfo

    return dataclasses.asdict(ShardInfo.of(store, file, events))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--events", 0], "--events 0"),
        (["--sample", 1], "--sample 1"),
        (["--limit", -1], "limit"),
        (["--methods", "magic"], "invalid choice: 'magic'"),
        (["--store", "nowhere"], "nowhere"),
        (["--against", "nowhere"], "nowhere"),
    ],
)
def test_mistakes_are_one_line(small_run, tmp_path, script, words, message):
    done = script("explain", "--run", small_run, "--output", tmp_path / "out", *words, check=2)
    assert message in done.stderr
    assert not list(tmp_path.glob("out/*.html"))


def test_events_are_chosen_by_score_and_error():
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.05, 0.95]], np.float32)
    labels = np.array([0, 1, 0, 1])
    sample = Sample(np.zeros((4, 1, 2, 2), np.float32), labels, {}, probabilities)
    other = probabilities.copy()
    other[1] = [0.9, 0.1]
    chosen = {one.why: one.event for one in choose(sample, 1, other)}
    assert chosen == {
        "highest score": 3,
        "lowest score": 0,
        "middle score": 1,
        "most wrong": 2,
        "most different from the other run": 1,
    }
