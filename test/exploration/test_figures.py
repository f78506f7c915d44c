from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from RecoE2E.ParticleViT.exploration import figures
from RecoE2E.ParticleViT.exploration.statistics import Spectra
from RecoE2E.ParticleViT.store import ChannelSpec, Grid, ImageSpec

PNG = b"\x89PNG"


def is_png(path) -> bool:
    return path.read_bytes().startswith(PNG)


def test_panels_show_means_and_differences():
    means = np.array([[[1.0, 2.0]], [[3.0, 1.0]]])
    panels = figures.mean_panels(means, ["photon", "electron"])
    assert [panel.title for panel in panels] == ["photon", "electron", "electron - photon"]
    np.testing.assert_array_equal(panels[2].values, [[2, -1]])
    assert [panel.signed for panel in panels] == [False, False, True]
    three = figures.mean_panels(np.stack([*means, means[0]]), ["a", "b", "c"])
    np.testing.assert_allclose(sum(panel.values for panel in three[3:]), 0, atol=1e-12)
    assert len(figures.mean_panels(means[:1], ["only"])) == 1


@pytest.mark.parametrize(
    "means", [np.zeros((2, 5, 5)), np.ones((2, 5, 5)), -np.eye(5)[np.newaxis].repeat(2, 0)]
)
def test_mean_images_of_any_sign_are_drawn(tmp_path, means, spec):
    panels = figures.mean_panels(means, ["a", "b"])
    assert is_png(figures.draw_means(tmp_path / "mean.png", panels, "Mean time (ns)", spec()))


def test_spectra_are_drawn_also_where_one_class_is_empty(tmp_path):
    nothing, flat = np.full(3, np.nan), np.full(5, 2.5)
    random = np.random.default_rng(1)
    for k, values in enumerate(([random.normal(size=99), nothing], [flat, flat], [nothing, np.zeros(0)])):
        assert is_png(figures.draw_feature(tmp_path / f"{k}.png", values, ["a", "b"], "$p_T$ (GeV)"))


def test_cell_spectra_and_class_balance_are_drawn(tmp_path, spec):
    edges = Spectra(2, spec()).edges
    counts = np.zeros((2, 2, len(edges) - 1), np.int64)
    counts[0, 0, 40:60], counts[1, 1, 50] = 7, 3
    assert is_png(figures.draw_spectrum(tmp_path / "s.png", counts, [10, 0], edges, ["a", "b"], "time (ns)"))
    parts = {"train": [5, 0], "test": [1, 2]}
    assert is_png(figures.draw_classes(tmp_path / "c.png", parts, ["a", "b"]))


def test_quantities_have_units():
    cells = ImageSpec((ChannelSpec("pt", "GeV", "momentum"),), 8, 8, (4, 4))
    jets = dataclasses.replace(cells, grid=Grid("eta_phi", 1.0, 1.0))
    assert figures.quantity("pt", jets).axis == "$p_T$ (GeV)"
    assert figures.quantity("pt", jets).plain == "pT (GeV)"
    assert figures.quantity("width", jets).plain.endswith("(rad)")
    assert figures.quantity("width", cells).plain.endswith("(cells)")
    assert figures.quantity("cells_time", jets).plain == "non-zero cells per image, time"
    assert figures.quantity("other", jets).plain == "other"
    assert figures.file_name("mean", "a/b c") == "mean_a_b_c.png"
