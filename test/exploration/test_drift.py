"""What a monitor saw beside the training sample; its file is written in the plugin's layout."""

from __future__ import annotations

import json

import numpy as np
import pytest
import uproot
from hist import Hist, axis

from RecoE2E.ParticleViT.errors import InputError
from RecoE2E.ParticleViT.exploration.drift import compare, fill, joined, training_histograms
from RecoE2E.ParticleViT.exploration.monitor import read_monitor
from RecoE2E.ParticleViT.store import open_store

TOTAL = 20000.0  # GeV or ns, beyond all sums of the small store's images


@pytest.fixture
def monitor_file(small_store, tmp_path):
    """Return a function: images -> a file of ParticleViTMonitor that saw them."""
    store = open_store(small_store)
    channels = [{"name": c.name, "unit": c.unit, "kind": c.kind} for c in store.image.channels]

    def histogram(values, edges):
        return Hist(axis.Variable(edges), storage="double").fill(np.asarray(values, float))

    def write(images, name="monitor.root", **changes):
        about = {
            "version": 1,
            "channels": channels,
            "classes": store.classes,
            "height": store.image.height,
            "width": store.image.width,
            "seed": list(store.image.seed),
            "tier": store.image.tier,
            **changes,
        }
        labels = ["events", "candidates", "images", "scored"]
        counts = Hist(axis.StrCategory(labels), storage="double")
        counts.view()[:] = [len(images), len(images), len(images), 0]
        with uproot.recreate(tmp_path / name) as file:
            file["crops/full/metadata"] = json.dumps(about)
            file["crops/full/counts"] = counts
            for k, channel in enumerate(store.image.channels):
                occupancy = np.count_nonzero(images[:, k], axis=(1, 2))
                cells = store.image.height * store.image.width
                file[f"crops/full/occupancy_{channel.name}"] = histogram(
                    occupancy, np.arange(0, cells + 2, 4)
                )
                total = images[:, k].sum(axis=(1, 2))
                file[f"crops/full/total_{channel.name}"] = histogram(total, np.linspace(-TOTAL, TOTAL, 81))
                for kind, values in (("image", images), ("cells", images != 0)):
                    flat = Hist(
                        axis.Regular(store.image.width, 0, store.image.width),
                        axis.Regular(store.image.height, 0, store.image.height),
                        storage="double",
                    )
                    flat.view()[:] = values[:, k].sum(axis=0).T
                    file[f"crops/full/{kind}_{channel.name}"] = flat
        return tmp_path / name

    return write


def test_chi2_is_that_of_its_formula():
    first, second = np.array([12.0, 30.0, 8.0]), np.array([40.0, 70.0, 50.0])
    n, m = first.sum(), second.sum()
    expected = ((np.sqrt(m / n) * first - np.sqrt(n / m) * second) ** 2 / (first + second)).sum()
    found = compare(first, second)
    assert found.chi2 == pytest.approx(expected)
    assert found.degrees == 2
    assert found.distance == pytest.approx(abs(42 / 50 - 110 / 160))


def test_equal_samples_are_seldom_flagged_and_shifted_ones_are():
    random = np.random.default_rng(1)
    edges = np.linspace(-3, 3, 31)
    known = fill(random.normal(size=20000), edges)
    values = [compare(fill(random.normal(size=300), edges), known).p_value for _ in range(200)]
    assert 0.4 < np.mean(values) < 0.6  # uniform between 0 and 1
    assert not compare(fill(random.normal(size=300), edges), known).flagged
    assert compare(fill(random.normal(0.4, 1, 300), edges), known).flagged


def test_bins_are_joined_until_each_expects_enough():
    table = np.array([[0.0, 1, 2, 9, 0, 1], [10.0, 10, 10, 90, 10, 10]])
    found = joined(table)
    share = table[0].sum() / table.sum()
    assert (found.sum(axis=0) * share >= 5).all()
    np.testing.assert_array_equal(found.sum(axis=1), table.sum(axis=1))
    assert compare(np.zeros(3), np.ones(3)) is None
    assert compare(np.array([1.0, 1, 1]), np.ones(3) * 100) is None


def test_bins_are_filled_as_root_fills_them():
    np.testing.assert_array_equal(
        fill(np.array([-1, 0, 0.5, 1, 2, 3.0]), np.array([0.0, 1, 2])), [1, 2, 1, 2]
    )


def test_the_training_events_give_their_own_histograms(small_store, monitor_file):
    store = open_store(small_store)
    images = store.read("train").images
    monitor = read_monitor(str(monitor_file(images)), store.image)
    training = training_histograms(store, monitor)
    assert training.events == len(images)
    for name, counts in training.counts.items():
        np.testing.assert_array_equal(counts.sum(axis=0), monitor.histograms[name].counts)
    for name, maps in monitor.maps.items():
        np.testing.assert_allclose(maps.mean, training.maps[name].mean, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(maps.occupancy, training.maps[name].occupancy)


def test_the_page_has_what_differs_first(small_store, monitor_file, script, tmp_path):
    images = open_store(small_store).read("test").images
    changed = images.copy()
    changed[:, 0] *= 3
    file = monitor_file(changed, tier="reduced")
    done = script("explore", "--monitor", file, "--store", small_store, "--output", tmp_path / "page")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("warning: tier of the hits: reduced in the monitor, ")
    assert lines[1] == "1 of 4 histograms differ"
    assert lines[2].startswith("total_energy: DIFFERS")
    page = (tmp_path / "page/drift.html").read_text()
    assert page.index("total_energy differs from the training sample") < page.index("<table")
    assert page.count("data:image/png;base64,") == len(list((tmp_path / "page").glob("*.png"))) == 6


def test_scores_are_compared_with_the_model(small_store, exported_run, monitor_file, script, tmp_path):
    images = open_store(small_store).read("test").images
    file = monitor_file(images)
    label = open_store(small_store).classes[-1]
    with uproot.update(file) as opened:
        opened[f"crops/full/score_{label}"] = Hist(axis.Regular(20, 0, 1), storage="double").fill(
            np.full(60, 0.975)
        )
    options = ("--store", small_store, "--run", exported_run, "--output", tmp_path / "page")
    done = script("explore", "--monitor", file, *options)
    assert f"score_{label}: DIFFERS" in done.stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--monitor", "none.root", "--store", "STORE"], "none.root: no such file"),
        (["--monitor", "FILE"], "--monitor needs --store"),
        (["--store", "STORE", "--run", "RUN"], "--run needs --monitor"),
        (["--monitor", "TORN", "--store", "STORE"], "truncated or damaged"),
        (["--monitor", "FILE:other/full", "--store", "STORE"], "it has crops/full (energy time, 24 x 24)"),
    ],
)
def test_bad_input_is_one_line(options, words, small_store, monitor_file, script, tmp_path):
    file = monitor_file(np.ones((3, 2, 24, 24), np.float32))
    torn = tmp_path / "torn.root"
    torn.write_bytes(file.read_bytes()[:600])
    named = {"STORE": str(small_store), "FILE": str(file), "TORN": str(torn)}
    words_of = [named.get(word, word.replace("FILE:", f"{file}:")) for word in options]
    done = script("explore", *words_of, "--output", tmp_path / "page", check=2)
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "page").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": 2}, "layout version 2, expected 1"),
        ({"height": 12}, "12 x 24.*expected one with images of the store"),
    ],
)
def test_what_does_not_fit_is_named(changes, words, small_store, monitor_file):
    file = monitor_file(np.ones((3, 2, 24, 24), np.float32), **changes)
    with pytest.raises(InputError, match=words):
        read_monitor(str(file), open_store(small_store).image)
