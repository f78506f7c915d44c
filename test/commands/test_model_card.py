"""The card of a model: from the artefacts of its run, by one command, everywhere the same."""

from __future__ import annotations

import dataclasses
import shutil

import pytest
import torch
import yaml

from RecoE2E.ParticleViT.commands.model_card import _optimiser, _origins, model_card, write_card
from RecoE2E.ParticleViT.commands.model_failures import known_failures
from RecoE2E.ParticleViT.evaluation.robustness import Disturbed, Robustness, Scan
from RecoE2E.ParticleViT.inference.metrics import Bin, PhaseSpace, Sculpting
from RecoE2E.ParticleViT.inference.run import Run
from RecoE2E.ParticleViT.report.quantity import with_error
from RecoE2E.ParticleViT.simulation import is_simulated


def front(text):
    """The head of a card, as model hubs read it."""
    return yaml.safe_load(text.split("---")[1])


def scan(name, clean=0.9, noisy=0.6):
    rows = {"noise": (Disturbed(0.0, clean, 0.01), Disturbed(0.1, noisy, 0.01))}
    return Scan(name, "hybrid_vit", 1000, "test", rows)


def test_the_export_has_a_card_of_what_is_known(own_run, script):
    Robustness((scan("other"), scan("run"))).write(own_run / "robustness.json")
    done = script("export", "--run", own_run, "--licence", "MIT")
    assert "MODEL_CARD.md" in done.stdout
    text = (own_run / "export/MODEL_CARD.md").read_text()
    run = Run(own_run)
    test = run.metrics.test
    head = front(text)
    assert head["license"] == "mit"
    (result,) = head["model-index"][0]["results"]
    assert result["metrics"][0] == {"type": "auc", "value": round(test.auc, 5)}
    for words in (
        "# run",
        "Tells a from b, from an image of 24 x 24 crystals",
        "energy (GeV, energy), time (ns, time)",
        "(onnxruntime 1.14.1)",
        "LayerNormalization",
        "| b | 0.1 |",
        "| licence | MIT |",
        run.manifest.onnx.sha256,
        "lowers the AUC from 0.900 ± 0.010 to 0.600 ± 0.010",
        "images of tier full",
    ):
        assert words in text, words


@pytest.mark.parametrize("place", ["", "file/card.md", "file"])
def test_a_card_that_cannot_be_written_leaves_the_run_alone(own_run, tmp_path, script, place):
    (tmp_path / "file").write_text("a thesis")
    (own_run / "report.html").unlink(missing_ok=True)
    done = script("report", "--run", own_run, "--card", tmp_path / place, check=2)
    assert done.stderr.startswith("error: ")
    assert not (own_run / "report.html").exists()
    assert (tmp_path / "file").read_text() == "a thesis"


def test_the_report_command_writes_the_card_anywhere(own_run, tmp_path, script):
    (own_run / "metrics.json").unlink()
    test = Run(own_run).manifest.metrics.test
    done = script("report", "--run", own_run, "--card", tmp_path / "shipped.md", "--licence", "Apache-2.0")
    assert done.stdout.split() == [str(own_run / "report.html"), str(tmp_path / "shipped.md")]
    text = (tmp_path / "shipped.md").read_text()
    assert front(text)["license"] == "apache-2.0"
    assert "# shipped" in text
    assert f"| test | {test.events} | {with_error(test.auc, test.auc_error)} |" in text
    assert "Not measured; `particlevit robustness --runs RUN` does." in text


def test_an_export_alone_has_a_card(exported_run, tmp_path):
    alone = shutil.copytree(exported_run / "export", tmp_path / "alone")
    (alone / "MODEL_CARD.md").unlink(missing_ok=True)
    text = write_card(Run(alone)).read_text()
    assert "The run is not here; only its export is." in text
    assert front(text)["license"] == "unknown"


def test_a_run_that_was_not_exported_has_none(small_run, script, tmp_path):
    run = shutil.copytree(small_run, tmp_path / "run")
    done = script("report", "--run", run)
    assert done.stdout.split() == [str(run / "report.html")]
    assert "was not exported, so it has no model card" in done.stderr
    done = script("report", "--run", run, "--card", tmp_path / "card.md", check=2)
    assert "write it with scripts/export.py" in done.stderr


def test_adamw_has_trained_a_network_without_blocks(exported_run):
    settings = dataclasses.replace(Run(exported_run).recipe.training, optimizer="muon")
    assert _optimiser(settings, torch.nn.Linear(3, 2)) == "AdamW"
    assert "Muon for matrices of transformer blocks" in _optimiser(
        settings, Run(exported_run).trained_network
    )


def test_the_same_run_has_the_same_card(exported_run):
    run = Run(exported_run)
    assert str(model_card(run, "a")) == str(model_card(run, "a"))


def test_failures_are_read_off_the_figures(exported_run):
    run = Run(exported_run)
    image, metrics = run.manifest.image, run.metrics
    fine = dataclasses.replace(metrics.test, auc=0.9, auc_error=0.01, calibration=None)
    space = PhaseSpace(
        {"pt": (Bin(20.0, 30.0, 100, 0.7, 0.02), Bin(30.0, 40.0, 100, 0.9, 0.02))},
        {"mass": Sculpting(0.1, (0.0, 1.0), (1.0,), (1.0,), 0.3, 0.01, 0.02)},
    )
    train = dataclasses.replace(fine, auc=0.97, auc_error=0.001)
    metrics = dataclasses.replace(metrics, train=train, test=fine, phase_space=space)
    found = "\n".join(known_failures(image, metrics, scan("run", 0.9, 0.89)))
    for words in (
        "Overtrained",
        "Weaker at pT (GeV) 20 to 30: AUC 0.700 ± 0.020 against 0.900 in the other bins",
        "sculpts the background's mass",
    ):
        assert words in found
    assert "lowers the AUC" not in found
    assert "not measured" not in found
    assert "What was not measured is not known" in known_failures(image, None, None)[-1]


def test_what_carries_all_bins_is_no_weakness_of_one(exported_run):
    """Mass tells the classes apart: within any of its bins the AUC is lower than that of all events."""
    run = Run(exported_run)
    space = PhaseSpace({"mass": tuple(Bin(m, m + 1.0, 99, 0.78 + m / 100, 0.016) for m in range(3))}, {})
    metrics = dataclasses.replace(run.metrics, phase_space=space)
    assert "Weaker" not in "".join(known_failures(run.manifest.image, metrics, None))


def test_a_range_that_was_set_by_hand_stands_beside_that_of_the_events(own_run):
    domain = {"pt": [10.0, None], "seed_rows": [71, 209]}
    manifest = dataclasses.replace(Run(own_run).manifest, recipe={"image": {"domain": domain}})
    found = "\n".join(_origins(Run(own_run), manifest))
    assert "The domain's pT (GeV), from 10, was set by hand; that of the training events is" in found
    assert "row of the seed, 71 to 209, was set by hand; that of the training events is not known." in found


@pytest.mark.parametrize(
    ("name", "events", "expected"),
    [
        ("electron_photon_600_seed1.hdf5", 600, True),
        ("electron_photon_600_seed1.hdf5", 500, False),
        ("electron_photon.hdf5", 600, False),
        ("quark_gluon_10_seed3.parquet", 10, True),
    ],
)
def test_own_simulation_is_known_by_its_name(name, events, expected):
    assert is_simulated(name, events) is expected
