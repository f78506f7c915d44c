"""How well simulated electron and photon crops agree with those of CMS's own simulation, called real here.

Three answers, from the plain to the strict: moments of the images; the AUC of a classifier trained on real
data when it judges the simulation; and the AUC of classifiers told to tell real from simulated crops of one
class, 0.5 if they cannot.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..auc import auc
from ..report.figure import COLORS, figure, legend
from .electron_photon import SEED, SIZE

Image = NDArray[np.float32]
Labels = NDArray[np.integer[Any]]
Score = Callable[
    [Image], NDArray[np.floating[Any]]
]  # energies (N, 32, 32) GeV -> probability of an electron (N,)

CLASSES = ("photon", "electron")
FOLDS = 5
SIMULATED_PER_REAL = 4  # in the training of the separating classifiers
PIXELS = slice(SEED - 8, SEED + 8)  # what the classifier of pixels sees
DRAWN = (  # feature, title, edges of the bins
    ("sum", "Energy in the crop (GeV)", np.linspace(40, 100, 16)),
    ("crystals", "Crystals above zero", np.linspace(15, 105, 16)),
    ("peak_fraction", "Largest energy / sum", np.linspace(0, 1, 16)),
    ("width_eta", r"rms along $\eta$ [crystals]", np.linspace(0.4, 1.6, 16)),
    ("width_phi", r"rms along $\phi$ [crystals]", np.linspace(0, 4, 16)),
    ("score", "Score of the reference network", np.linspace(0, 1, 16)),
)


class Sample(NamedTuple):
    """Crops to compare."""

    energy: Image
    """Energies (N, 32, 32) in GeV."""
    label: Labels
    """1 = electron, 0 = photon (N,)."""


def features(energy: Image) -> dict[str, NDArray[np.float64]]:
    """Return the quantities of each crop by which physicists tell showers apart, each (N,).

    Widths are energy-weighted root mean squares around the seed, in crystals; `r9`, `r25` are shares of the
    sum in 3 x 3 and 5 x 5 crystals; counts are of crystals between thresholds in GeV; `outside` means beyond
    the five rows around the seed.
    """
    image = np.asarray(energy, np.float64)
    total = image.sum((1, 2))
    distance = np.arange(SIZE) - SEED
    window = {n: slice(SEED - n, SEED + n + 1) for n in (1, 2)}
    central = image[:, window[2], window[2]]
    outside = image.copy()
    outside[:, window[2]] = 0.0
    ordered = np.sort(image.reshape(len(image), -1), 1)
    found = {
        "sum": total,
        "crystals": (image > 0).sum((1, 2)),
        "peak": ordered[:, -1],
        "peak_fraction": ordered[:, -1] / total,
        "second_fraction": ordered[:, -2] / total,
        "r9": image[:, window[1], window[1]].sum((1, 2)) / total,
        "r25": central.sum((1, 2)) / total,
        "crystals_outside": (outside > 0).sum((1, 2)),
        "energy_outside": outside.sum((1, 2)),
    }
    for low, high in ((0.0, 0.08), (0.08, 0.2), (0.2, 1.0), (1.0, np.inf)):
        found[f"crystals_{low:g}_{high:g}"] = ((image > low) & (image <= high)).sum((1, 2))
    for name, axis in (("eta", 2), ("phi", 1)):
        profile, inner = image.sum(axis), central.sum(axis)
        found[f"mean_{name}"] = profile @ distance / total
        found[f"width_{name}"] = np.sqrt(profile @ distance**2 / total)
        found[f"inner_width_{name}"] = np.sqrt(inner @ distance[window[2]] ** 2 / inner.sum(1))
    return {name: np.asarray(values, np.float64) for name, values in found.items()}


def moments(sample: Sample) -> dict[str, dict[str, float]]:
    """Return means per class; widths are those of all energy of the class, in crystals."""
    result = {}
    for label, name in enumerate(CLASSES):
        found = features(sample.energy[sample.label == label])
        mean = {key: float(found[key].mean()) for key in ("sum", "crystals", "peak", "peak_fraction")}
        mean["crystals_std"] = float(found["crystals"].std())
        for key in ("width_eta", "width_phi"):
            mean[key] = float(np.sqrt(np.average(found[key] ** 2, weights=found["sum"])))
        result[name] = mean
    return result


def area(is_signal: NDArray[np.bool_], score: NDArray[np.floating[Any]]) -> tuple[float, float]:
    """Return the AUC of scores (N,) and its standard error."""
    found = auc(is_signal.astype(np.int64), np.stack([1.0 - score, score], 1))
    return found.value, found.error


def separation(real: Image, simulated: Image, seed: int = 1) -> dict[str, tuple[float, float]]:
    """Return the cross-validated AUC, with its error, of classifiers told to separate real from simulated.

    Args:
        real: energies (N, 32, 32) of one class, GeV.
        simulated: energies of simulated crops of the same class.
        seed: of the folds and the classifiers.

    Returns:
        One entry per classifier: logistic regression and boosted trees on `features`, random forest on
        pixels.
    """
    from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    simulated = simulated[: SIMULATED_PER_REAL * len(real)]
    image = np.concatenate([real, simulated])
    is_real = np.arange(len(image)) < len(real)
    physics = np.stack(list(features(image).values()), 1)
    pixels = np.log1p(10.0 * image[:, PIXELS, PIXELS]).reshape(len(image), -1)
    regression = LogisticRegression(C=0.1, class_weight="balanced", max_iter=1000)
    tried = {
        "logistic_regression": (make_pipeline(StandardScaler(), regression), physics),
        "boosted_trees": (
            GradientBoostingClassifier(n_estimators=60, max_depth=2, subsample=0.7, random_state=seed),
            physics,
        ),
        "pixel_forest": (
            RandomForestClassifier(100, min_samples_leaf=3, class_weight="balanced", random_state=seed),
            pixels,
        ),
    }
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    result = {}
    for name, (classifier, inputs) in tried.items():
        score = cross_val_predict(classifier, inputs, is_real, cv=folds, method="predict_proba")[:, 1]
        result[name] = area(is_real, score)
    return result


class Transfer(NamedTuple):
    """How far what one feature tells of the simulation holds for real crops; each AUC with its error."""

    feature: str
    simulated: tuple[float, float]
    """AUC of the feature's value, electrons as the signal."""
    real: tuple[float, float]
    without: tuple[float, float]
    """AUC on real crops of a boosted tree trained on the simulation without this feature."""


def transfer(real: Sample, simulated: Sample, seed: int = 1) -> list[Transfer]:
    """Return what each feature tells, and what a boosted tree loses or gains on real crops without it.

    The first entry, `all`, is the tree with all features: its AUC on simulated crops that it was not trained
    on, on real ones, and the latter again.

    Args:
        real: real crops of both classes.
        simulated: simulated crops, of which a tree is trained on the first two thirds.
        seed: of the trees.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    found, theirs = features(simulated.energy), features(real.energy)
    cut = 2 * len(simulated.label) // 3

    def judge(names: list[str]) -> tuple[tuple[float, float], tuple[float, float]]:
        inputs, others = (np.stack([one[name] for name in names], 1) for one in (found, theirs))
        tree = HistGradientBoostingClassifier(max_iter=150, learning_rate=0.05, random_state=seed)
        tree.fit(inputs[:cut], simulated.label[:cut])
        held, unseen = (tree.predict_proba(x)[:, 1] for x in (inputs[cut:], others))
        return area(simulated.label[cut:] == 1, held), area(real.label == 1, unseen)

    names = list(found)
    known, there = judge(names)
    rows = [Transfer("all", known, there, there)]
    for name in names:
        alone = [_area_of(one[name], sample.label) for one, sample in ((found, simulated), (theirs, real))]
        rows.append(Transfer(name, alone[0], alone[1], judge([other for other in names if other != name])[1]))
    return rows


def _area_of(values: NDArray[np.float64], label: Labels) -> tuple[float, float]:
    """Return the AUC of a feature, put into ranks first, since only its order counts."""
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable") / len(values)
    return area(label == 1, ranks)


def compare(real: Sample, simulated: Sample, score: Score) -> dict[str, Any]:
    """Compare simulated with real crops.

    Args:
        real: real crops of both classes.
        simulated: simulated crops of both classes.
        score: the judge, a classifier trained on real crops.

    Returns:
        `events`, `moments` and `judge_auc` (value, error) for "real" and "simulated"; `separation_auc`
        (value, error) per class and classifier.
    """
    samples = {"real": real, "simulated": simulated}
    return {
        "events": {name: len(sample.label) for name, sample in samples.items()},
        "moments": {name: moments(sample) for name, sample in samples.items()},
        "judge_auc": {name: area(s.label == 1, score(s.energy)) for name, s in samples.items()},
        "separation_auc": {
            name: separation(real.energy[real.label == k], simulated.energy[simulated.label == k])
            for k, name in enumerate(CLASSES)
        },
    }


def draw_overlays(folder: Path, real: Sample, simulated: Sample, score: Score) -> list[Path]:
    """Draw distributions (one file each) and mean profiles of both samples, photons beside electrons."""
    found = {}
    for kind, sample in (("real", real), ("simulated", simulated)):
        found[kind] = {**features(sample.energy), "score": score(sample.energy)}
    paths = []
    for name, title, edges in DRAWN:
        path = folder / f"{name}.png"
        with figure(path, "CMS simulation and ParticleViT", columns=2) as both:
            for k, axes in enumerate(both):
                _overlay(
                    axes,
                    found["real"][name][real.label == k],
                    found["simulated"][name][simulated.label == k],
                    edges,
                )
                axes.set(xlabel=title, ylabel="Share of the crops", xlim=(edges[0], edges[-1]))
                legend(axes, title=CLASSES[k], title_fontsize=22)
        paths.append(path)
    return [*paths, _draw_profiles(folder / "profiles.png", real, simulated)]


def _overlay(
    axes: Any, real: NDArray[np.float64], simulated: NDArray[np.float64], edges: NDArray[np.float64]
) -> None:
    """Draw simulated crops as a histogram and real ones as points with statistical errors."""
    expected = np.histogram(simulated, edges)[0] / len(simulated)
    counts = np.histogram(real, edges)[0]
    axes.stairs(expected, edges, fill=True, color=COLORS[0], alpha=0.5, label="simulated")
    centre, errors = 0.5 * (edges[1:] + edges[:-1]), np.sqrt(np.maximum(counts, 1)) / len(real)
    axes.errorbar(centre, counts / len(real), errors, fmt="o", color="black", label="real")
    axes.set_ylim(0, 1.05 * max(expected.max(), (counts / len(real) + errors).max()))


def _draw_profiles(path: Path, real: Sample, simulated: Sample) -> Path:
    """Draw the mean share of the energy per row and per column of crystals."""
    with figure(path, "CMS simulation and ParticleViT", columns=2) as both:
        for k, axes in enumerate(both):
            for axis, name, color in ((2, r"$\eta$", COLORS[1]), (1, r"$\phi$", COLORS[0])):
                for sample, style in ((real, "o"), (simulated, "-")):
                    energy = sample.energy[sample.label == k].sum(axis, dtype=np.float64)
                    share = (energy / energy.sum(1, keepdims=True)).mean(0)
                    label = f"{'real' if style == 'o' else 'simulated'}, along {name}"
                    axes.plot(np.arange(SIZE) - SEED, share, style, color=color, label=label)
            axes.set(xlabel="Crystals from the seed", ylabel="Mean share of the energy", yscale="log")
            axes.set(xlim=(-12, 12), ylim=(1e-4, 20))
            axes.legend(title=CLASSES[k], fontsize=18, title_fontsize=22, ncols=2, loc="upper center")
    return path
