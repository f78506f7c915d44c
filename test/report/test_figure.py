from __future__ import annotations

import numpy as np
import pytest

from RecoE2E.ParticleViT.errors import RecipeError
from RecoE2E.ParticleViT.report.figure import figure, figure_style, legend
from RecoE2E.ParticleViT.report.quantity import kinematic, with_error


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize("loc", ["upper left", "upper right"])
def test_a_legend_lies_above_all_points(tmp_path, scale, loc):
    with figure(tmp_path / "a.png") as axes:
        for k in range(6):
            axes.plot([0, 1, 2], [90 + k, 100, 95], marker="o", label=f"a run with a long name, number {k}")
        axes.set_yscale(scale)
        legend(axes, loc)
        axes.figure.draw_without_rendering()
        box = axes.get_legend().get_window_extent()
        _, top = axes.transData.transform((0, 100))
        assert box.y0 > top
        assert box.y1 <= axes.get_window_extent().y1
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_a_label_and_a_pdf_are_for_the_asking(tmp_path):
    titles = []
    for words in ((), ("CMS Simulation", True)):
        with figure_style(*words), figure(tmp_path / f"{len(titles)}.png", "right") as axes:
            pass
        titles.append(axes.get_title(loc="left"))
    assert titles == [r"$\bf{ParticleViT}$", r"$\bf{CMS}\ \it{Simulation}$"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.png", "1.pdf", "1.png"]
    assert (tmp_path / "1.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("label", ["", "CMS $x$ 50%_{a}^b", "CMS Work in progress"])
def test_any_label_can_be_drawn(tmp_path, label):
    with figure_style(label), figure(tmp_path / "a.png") as axes:
        axes.plot([0, 1])
    assert (tmp_path / "a.png").exists()


def test_values_have_the_digits_of_their_errors():
    assert with_error(0.7841, 0.0058) == "0.784 ± 0.006"
    assert with_error(0.97968, 0.00113, "+-") == "0.9797 +- 0.0011"
    assert with_error(1234.5, 96.0) == "1234 ± 96"
    assert (
        with_error(0.5, 0.0)
        == with_error(0.5, np.nan)
        == with_error(0.5, None)
        == with_error(0.5, 3e-17)
        == "0.5"
    )
    assert with_error(None, 0.1) == "-"


def test_columns_have_symbols_and_units():
    assert (kinematic("pt").axis, kinematic("pt").plain) == ("$p_T$ (GeV)", "pT (GeV)")
    assert kinematic("eta").axis == r"$\eta$"
    assert kinematic("other").axis == "other"


def test_a_label_that_cannot_fit_is_refused():
    with (
        pytest.raises(RecipeError, match="--label has 61 characters; give 60 or fewer"),
        figure_style("a" * 61),
    ):
        pass
