"""The NanoAOD customisation on the tasks of a release's own nano_cff, which is read where it is.

That is in $CMSSW_RELEASE_BASE, or in the folder that $PARTICLEVIT_NANOAOD names.
"""

import importlib
import json
import os
import sys
import types
from pathlib import Path

import pytest
from cmssw.nano_tasks import read_nano

import RecoE2E.ParticleViT

GOLDEN = Path(__file__).parent / "golden"
NANO = "RecoE2E.ParticleViT.particleViTNano_cff"
MODELS = {"electron_photon_mini": ["photon", "electron"], "quark_gluon": ["gluon", "quark"]}


@pytest.fixture
def fragments():
    """Folder of the release's fragments."""
    base = os.environ.get("CMSSW_RELEASE_BASE", "/nowhere")
    folder = Path(os.environ.get("PARTICLEVIT_NANOAOD") or f"{base}/src/PhysicsTools/NanoAOD/python")
    if not (folder / "nano_cff.py").is_file():
        pytest.skip("no release with PhysicsTools/NanoAOD here, and $PARTICLEVIT_NANOAOD names none")
    return folder


@pytest.fixture
def cms():
    return pytest.importorskip("FWCore.ParameterSet.Config", reason="no CMSSW: FWCore.ParameterSet.Config")


@pytest.fixture
def load_nano(tmp_path, monkeypatch):
    """`load_nano(names)` imports the NanoAOD fragment with the release's modifier for Run 2.

    The golden copies and the models' descriptions are found.
    """
    folder = tmp_path / "RecoE2E/ParticleViT/data/models"
    folder.mkdir(parents=True)
    for name, classes in MODELS.items():
        content = {"classes": classes, "working_points": {classes[-1]: {"0.1": 0.5}}}
        (folder / f"{name}.json").write_text(json.dumps(content))
    monkeypatch.setenv("CMSSW_SEARCH_PATH", str(tmp_path))
    monkeypatch.setattr(RecoE2E.ParticleViT, "__path__", [*RecoE2E.ParticleViT.__path__, str(GOLDEN)])

    def load(names):
        eras = types.ModuleType("PhysicsTools.NanoAOD.nano_eras_cff")
        eras.run2_nanoAOD_ANY = names["run2_nanoAOD_ANY"]
        for part in ("PhysicsTools", "PhysicsTools.NanoAOD"):
            monkeypatch.setitem(sys.modules, part, types.ModuleType(part))
        monkeypatch.setitem(sys.modules, eras.__name__, eras)
        monkeypatch.delitem(sys.modules, NANO, raising=False)
        return importlib.import_module(NANO)

    yield load
    sys.modules.pop(NANO, None)


@pytest.mark.parametrize(
    ("modifiers", "table", "other"),
    [((), "jetPuppiTable", "jetTable"), (("run2_nanoAOD_106Xv2",), "jetTable", "jetPuppiTable")],
    ids=["Run 3", "Run 2"],
)
def test_scores_go_to_the_tables_that_the_release_schedules(
    cms, load_nano, fragments, modifiers, table, other
):
    process, failed, names = read_nano(cms, fragments, modifiers)
    nano = load_nano(names)
    assert not failed
    scheduled = process.nanoAOD_step.moduleNames()
    assert table in scheduled
    assert other not in scheduled
    sources = {name: getattr(process, name).src for name in ("photonTable", "electronTable", table)}
    columns = {name: columns_of(process, name) for name in (*sources, other)}
    nano.addJetScores(nano.addElectronPhotonScores(process))
    added = {name: columns_of(process, name) - before for name, before in columns.items()}
    electrons = {f"particleViT_{word}" for word in ("photon", "electron", "electronWP", "status")}
    jets = {f"particleViT_{word}" for word in ("gluon", "quark", "quarkWP", "status")}
    assert added == {"photonTable": electrons, "electronTable": electrons, table: jets, other: set()}
    assert process.particleViTJetImages.src == sources[table]
    assert process.particleViTPhotonImages.src == sources["photonTable"]
    assert process.nanoAOD_step.moduleNames() - scheduled == {
        *(f"particleViT{kind}{part}" for kind in ("Photon", "Electron") for part in ("Images", "Scores")),
        *("particleViTPhotons", "particleViTElectrons"),
        *("particleViTJetImages", "particleViTJetScores", "particleViTJets"),
    }


def columns_of(process, table):
    """Names of a table's variables that it reads from value maps."""
    variables = getattr(getattr(process, table), "externalVariables", None)
    return set() if variables is None else set(variables.parameterNames_())


@pytest.mark.parametrize(
    ("modifiers", "table", "other"),
    [((), "jetPuppiTable", "jetTable"), (("run2_nanoAOD_106Xv2",), "jetTable", "jetPuppiTable")],
    ids=["Run 3", "Run 2"],
)
def test_where_a_process_runs_both_jet_tables_its_era_decides(
    cms, load_nano, fragments, modifiers, table, other
):
    process, _, names = read_nano(cms, fragments, modifiers)
    process.both = cms.Path(process.jetTablesTask, process.jetPuppiTablesTask)
    before = {name: columns_of(process, name) for name in (table, other)}
    load_nano(names).addJetScores(process)
    assert "particleViT_quark" in columns_of(process, table) - before[table]
    assert columns_of(process, other) == before[other]
