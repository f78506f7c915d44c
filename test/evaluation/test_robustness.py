import numpy as np
import pytest

from RecoE2E.ParticleViT.errors import RecipeError
from RecoE2E.ParticleViT.evaluation import robustness
from RecoE2E.ParticleViT.store import ChannelSpec, ImageSpec

SPEC = ImageSpec((ChannelSpec("energy", "GeV", "energy"), ChannelSpec("time", "ns", "time")), 8, 8, (4, 4))


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    return (rng.exponential(10, (200, 2, 8, 8)) * (rng.random((200, 2, 8, 8)) < 0.3)).astype(np.float32)


def _disturb(images, kind, strength):
    return robustness.perturb(images, SPEC, kind, strength, np.array([10.0, 2.0]), seed=1)


@pytest.mark.parametrize("kind", list(robustness.STRENGTHS))
def test_no_strength_changes_nothing_and_the_seed_decides(images, kind):
    neutral = 1.0 if kind == "energy_scale" else 0.0
    assert np.array_equal(_disturb(images, kind, neutral), images)
    strong = robustness.STRENGTHS[kind][-1]
    assert np.array_equal(_disturb(images, kind, strong), _disturb(images, kind, strong))
    assert not np.array_equal(_disturb(images, kind, strong), images)


def test_perturbations_do_what_they_say(images):
    assert (_disturb(images, "noise", 0.5) - images).std(axis=(0, 2, 3)) == pytest.approx(
        [5.0, 1.0], rel=0.05
    )
    alive = _disturb(np.ones_like(images), "dead_cells", 0.3)
    assert alive.mean() == pytest.approx(0.7, abs=0.02)
    assert np.array_equal(alive[:, 0], alive[:, 1])  # a dead cell is dead in every channel
    scaled = _disturb(images, "energy_scale", 1.1)
    assert scaled[:, 0].sum() == pytest.approx(1.1 * images[:, 0].sum(), rel=1e-4)
    assert np.array_equal(scaled[:, 1], images[:, 1])
    jittered = _disturb(images, "time_jitter", 3.0)
    assert np.array_equal(jittered[:, 0], images[:, 0])
    assert not jittered[:, 1][images[:, 1] == 0].any()
    turned = _disturb(_disturb(images, "rotation", 90), "rotation", 270)
    assert np.array_equal(turned[:, :, 1:, 1:], images[:, :, 1:, 1:])  # the seed is off the middle


@pytest.mark.parametrize(
    ("kind", "strength", "words"),
    [
        ("dead_cells", 1.5, "strength 1.5, expected 0 to 1"),
        ("noise", -1, "strength -1, expected 0 to inf"),
        ("noize", 0, "did you mean 'noise'"),
    ],
)
def test_a_perturbation_outside_its_range_is_named(images, kind, strength, words):
    with pytest.raises(RecipeError, match=words):
        _disturb(images, kind, strength)


def test_runs_share_one_figure(small_run, tmp_path):
    strengths = {"noise": (0.0, 1.0), "rotation": (0.0, 90.0)}
    found = robustness.scan_runs([small_run, small_run], tmp_path, limit=200, strengths=strengths)
    assert robustness.Robustness.read(tmp_path / "robustness.json", tmp_path) == found
    assert found.runs[0].scans["noise"][0].auc > found.runs[0].scans["noise"][1].auc - 0.05
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {
        "robustness_noise.png",
        "robustness_rotation.png",
    }
    assert "rotation" in robustness.table(found)


def test_a_negative_limit_is_refused(small_run, tmp_path):
    with pytest.raises(RecipeError, match="--limit is -1"):
        robustness.scan_runs([small_run], tmp_path, limit=-1)
