"""The configuration fragments: CMSSW's Python can read them, and the framework accepts them.

They import the _cfi.py files that the framework's build generates; golden copies of these stand in golden/.
"""

import ast
import importlib
import json
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pytest

import RecoE2E.ParticleViT

PACKAGE = Path(__file__).resolve().parents[2]
FRAGMENTS = sorted(PACKAGE.glob("python/*_cff.py"))
GOLDEN = sorted(PACKAGE.glob("test/cmssw/golden/*_cfi.py"))
STANDARD = {
    "Configuration",
    "contextlib",
    "FWCore",
    "PhysicsTools",
    "RecoE2E",
    "argparse",
    "json",
    "os",
    "pathlib",
    "sys",
}


@pytest.fixture(scope="module")
def cms():
    return pytest.importorskip("FWCore.ParameterSet.Config", reason="no CMSSW: FWCore.ParameterSet.Config")


@pytest.fixture(autouse=True)
def generated(monkeypatch):
    """Let the package find the golden copies where no build has generated the _cfi.py files."""
    monkeypatch.setattr(
        RecoE2E.ParticleViT, "__path__", [*RecoE2E.ParticleViT.__path__, str(GOLDEN[0].parent)]
    )


def load(path: Path):
    return importlib.import_module(f"RecoE2E.ParticleViT.{path.stem}")


def plugin_of(path: Path) -> str:
    label = path.stem.removesuffix("_cfi")
    return label[0].upper() + label[1:]


@pytest.mark.parametrize(
    "path",
    [PACKAGE / "python/__init__.py", *FRAGMENTS, *PACKAGE.glob("test/*_cfg.py")],
    ids=lambda path: path.stem,
)
def test_python_3_6_can_read_it_without_torch(path):
    tree = ast.parse(path.read_text(), feature_version=(3, 6))
    imports = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imports |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imports} <= STANDARD | {"importlib"}


def test_generated_files_are_found_in_the_area_before_the_release(tmp_path):
    folders = []
    for base in ("area", "release"):
        folder = tmp_path / base / "cfipython" / "el8" / "RecoE2E" / "ParticleViT"
        folder.mkdir(parents=True)
        (folder / "both_cfi.py").write_text(f"where = '{base}'")
        folders.append(str(folder))
    (Path(folders[1]) / "one_cfi.py").write_text("where = 'release'")
    environment = {
        "CMSSW_BASE": str(tmp_path / "area"),
        "LOCALTOP": str(tmp_path / "area"),
        "CMSSW_RELEASE_BASE": str(tmp_path / "release"),
        "SCRAM_ARCH": "el8",
    }
    code = (
        "from RecoE2E.ParticleViT import __path__, both_cfi, one_cfi; "
        "print(both_cfi.where, one_cfi.where, len(__path__))"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout.split() == ["area", "release", "3"], done.stderr


def test_modules_of_the_newest_form_are_found(tmp_path):
    """From 14_1 on the build writes X.py, x_cfi.py, which imports it, and modules.py, which imports all."""
    folder = tmp_path / "cfipython" / "el9" / "RecoE2E" / "ParticleViT"
    folder.mkdir(parents=True)
    (folder / "ParticleViTOne.py").write_text("def ParticleViTOne():\n    return 'made'\n")
    (folder / "particleViTOne_cfi.py").write_text(
        "from .ParticleViTOne import ParticleViTOne\n\nparticleViTOne = ParticleViTOne()\n"
    )
    (folder / "modules.py").write_text("from .ParticleViTOne import ParticleViTOne\n")
    environment = {"CMSSW_BASE": str(tmp_path), "SCRAM_ARCH": "el9"}
    code = (
        "from RecoE2E.ParticleViT.modules import *\n"
        "from RecoE2E.ParticleViT.particleViTOne_cfi import particleViTOne\n"
        "print(ParticleViTOne(), particleViTOne)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout.split() == ["made", "made"], done.stderr


def test_every_plugin_has_the_packages_prefix_and_a_golden_copy():
    found = {
        name
        for path in PACKAGE.glob("plugins/*.cc")
        for name in re.findall(r"DEFINE_FWK_MODULE\((\w+)\)", path.read_text())
    }
    assert all(name.startswith("ParticleViT") for name in found)
    assert {plugin_of(path) for path in GOLDEN} == found


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_copies_have_the_parameters_of_fill_descriptions(path):
    call = next(node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    plugin = ast.literal_eval(call.args[0])
    assert plugin == plugin_of(path)
    text = (PACKAGE / "plugins" / f"{plugin}.cc").read_text()
    if "ScoringProducer.h" in text:
        text += (PACKAGE / "plugins/ScoringProducer.h").read_text()
    if "describeImages(desc)" in text:
        text += (PACKAGE / "plugins/imagesOfModel.h").read_text()
    names = set(re.findall(r'desc\.add(?:Untracked)?<[^;(]*?>\(\s*"(\w+)"', text))
    names |= {"Client"} if "TritonClient::fillPSetDescription(desc)" in text else set()
    names |= {"model"} if "describeModel(desc)" in text else set()
    names |= {"tier", "allow_other_tier"} if "describeTier(desc" in text else set()
    assert {keyword.arg for keyword in call.keywords} - {"mightGet"} == names


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_copies_are_what_the_framework_writes(path, tmp_path):
    """`edmWriteConfigs` makes the golden copy of fillDescriptions, up to the layout of later releases.

    Skipped outside of CMSSW, where there is no such program, and for plugins that cannot be built there.
    """
    if shutil.which("edmWriteConfigs") is None:
        pytest.skip("no CMSSW: edmWriteConfigs is not on PATH")
    command = ["edmWriteConfigs", "--plugin", plugin_of(path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    if "Unable to find plugin" in done.stdout + done.stderr:
        pytest.skip(f"{plugin_of(path)} is not built in this CMSSW")
    assert done.returncode == 0, done.stdout + done.stderr
    written = (tmp_path / path.name).read_text()
    assert ast.dump(ast.parse(path.read_text())) == ast.dump(ast.parse(written))


@pytest.fixture
def sonic(cms, monkeypatch):
    """The modifier enableSonicTriton: the release's own, or where only a framework core is, one like it."""
    name = "Configuration.ProcessModifiers.enableSonicTriton_cff"
    try:
        return importlib.import_module(name).enableSonicTriton
    except ImportError:
        for part in ("Configuration", "Configuration.ProcessModifiers", name):
            monkeypatch.setitem(sys.modules, part, types.ModuleType(part))
        sys.modules[name].enableSonicTriton = cms.Modifier()
        return sys.modules[name].enableSonicTriton


@pytest.fixture
def eras(cms, monkeypatch):
    """The modifier of Run 2 NanoAOD: the release's own, or where only a framework core is, one like it."""
    name = "PhysicsTools.NanoAOD.nano_eras_cff"
    monkeypatch.delitem(sys.modules, "RecoE2E.ParticleViT.particleViTNano_cff", raising=False)
    try:
        return importlib.import_module(name)
    except ImportError:
        for part in ("PhysicsTools", "PhysicsTools.NanoAOD", name):
            monkeypatch.setitem(sys.modules, part, types.ModuleType(part))
        sys.modules[name].run2_nanoAOD_ANY = cms.Modifier()
        return sys.modules[name]


@pytest.mark.parametrize("path", FRAGMENTS, ids=lambda path: path.stem)
@pytest.mark.usefixtures("sonic", "eras")
def test_the_framework_loads_it(cms, path):
    load(path)


@pytest.mark.parametrize("served", [False, True])
def test_scores_come_from_a_server_with_the_modifier_only(cms, sonic, monkeypatch, served):
    for name in ("Sonic", "ElectronPhoton", "Jets"):
        monkeypatch.delitem(sys.modules, f"RecoE2E.ParticleViT.particleViT{name}_cff", raising=False)
    monkeypatch.setattr(sonic, "_Modifier__chosen", served)
    process = cms.Process("TEST")
    process.load("RecoE2E.ParticleViT.particleViTSonic_cff")
    kind = "ParticleViTTritonProducer" if served else "ParticleViTONNXProducer"
    labels = ("PhotonScores", "ElectronScores", "JetScores", "AK8JetScores")
    modules = [getattr(process, f"particleViT{label}") for label in labels]
    assert {module.type_() for module in modules} == {kind}
    assert all(module.images.moduleLabel in dir(process) for module in modules)
    assert "particleViTPhotonScores" in process.particleViTElectronPhotonTask.moduleNames()
    if served:
        assert process.particleViTJetScores.Client.modelName.value() == "quark_gluon"
        config = process.particleViTElectronScores.Client.modelConfigPath.value()
        assert config == "RecoE2E/ParticleViT/data/models/electron_photon/config.pbtxt"
        assert process.particleViTPhotonScores.model.value() == process.particleViTPhotonImages.model.value()
    process.dumpPython()


def test_default_tasks_are_wired(cms):
    process = cms.Process("TEST")
    process.load("RecoE2E.ParticleViT.particleViTElectronPhoton_cff")
    process.load("RecoE2E.ParticleViT.particleViTJets_cff")
    tasks = ("particleViTElectronPhotonTask", "particleViTJetsTask", "particleViTAK8JetsTask")
    labels = set().union(*(getattr(process, task).moduleNames() for task in tasks))
    inputs = ("images", "candidates", "status", "probabilities")
    parameters = [getattr(process, label).parameters_() for label in sorted(labels)]
    tags = [value for some in parameters for name, value in some.items() if name in inputs]
    assert len(labels) == 12
    assert len(tags) == 16
    assert all(tag.moduleLabel in labels for tag in tags)
    assert all("model" in some for some in parameters)
    assert process.particleViTAK8JetImages.src.value() == "ak8PFJetsPuppi"
    assert process.particleViTJetImages.tier.value() == "full"
    process.dumpPython()


def test_monitors_watch_what_the_tasks_score(cms):
    process = cms.Process("TEST")
    process.load("RecoE2E.ParticleViT.particleViTElectronPhoton_cff")
    process.load("RecoE2E.ParticleViT.particleViTJets_cff")
    process.load("RecoE2E.ParticleViT.particleViTMonitor_cff")
    process.path = cms.Path(
        process.particleViTElectronPhotonMonitorSequence + process.particleViTJetMonitorSequence
    )
    monitors = [getattr(process, f"particleViT{kind}Monitor") for kind in ("Photon", "Electron", "Jet")]
    for monitor in monitors:
        tags = (monitor.images, monitor.candidates, monitor.status, monitor.probabilities)
        assert {tag.moduleLabel for tag in tags} <= process.path.moduleNames()
        assert monitor.tier == getattr(process, monitor.images.moduleLabel).tier
        assert monitor.model == getattr(process, monitor.images.moduleLabel).model
    assert len({monitor.file.value() for monitor in monitors}) == 3
    process.dumpPython()


@pytest.mark.parametrize("fragment", ["ElectronPhoton", "Jets"])
def test_fragments_load_the_services_that_the_release_has(cms, monkeypatch, fragment):
    """Stand-ins for the two generated files of newer releases, which no framework core of 2023 has."""
    for name in ("Services", fragment):
        monkeypatch.delitem(sys.modules, f"RecoE2E.ParticleViT.particleViT{name}_cff", raising=False)
    for package, service in (("PyTorch", "PyTorchService"), ("ONNXRuntime", "ONNXService")):
        name = f"PhysicsTools.{package}.{service}_cfi"
        for part in ("PhysicsTools", f"PhysicsTools.{package}", name):
            monkeypatch.setitem(sys.modules, part, types.ModuleType(part))
        setattr(sys.modules[name], service, cms.Service(service))
    process = cms.Process("TEST")
    process.load(f"RecoE2E.ParticleViT.particleViT{fragment}_cff")
    assert {"PyTorchService", "ONNXService"} <= set(process.services_())
    for name in ("Services", fragment):
        monkeypatch.delitem(sys.modules, f"RecoE2E.ParticleViT.particleViT{name}_cff")


@pytest.fixture
def nano(cms, eras, tmp_path, monkeypatch):
    """The NanoAOD fragment, where the shipped models' descriptions are found."""
    folder = tmp_path / "RecoE2E/ParticleViT/data/models"
    folder.mkdir(parents=True)
    for name, classes in (
        ("electron_photon_mini", ["photon", "electron"]),
        ("quark_gluon", ["gluon", "quark"]),
    ):
        content = {"classes": classes, "working_points": {classes[-1]: {"0.1": 0.5}}}
        (folder / f"{name}.json").write_text(json.dumps(content))
    monkeypatch.setenv("CMSSW_SEARCH_PATH", f"/nowhere:{tmp_path}")
    return importlib.import_module("RecoE2E.ParticleViT.particleViTNano_cff")


def nano_process(cms, tables):
    """A process whose path runs these tables, and which has others that no path runs."""
    process = cms.Process("NANO")
    for name in ("photonTable", "electronTable", "jetTable", "jetPuppiTable"):
        setattr(process, name, cms.EDProducer("SimpleTable", src=cms.InputTag("linkedObjects", name)))
    process.tables = cms.Task(*(getattr(process, name) for name in tables))
    process.path = cms.Path(process.tables)
    return process


def test_nano_tables_get_scores_working_points_and_status(cms, nano):
    process = nano_process(cms, ["photonTable", "electronTable", "jetPuppiTable"])
    nano.addJetScores(nano.addElectronPhotonScores(process))
    columns = process.photonTable.externalVariables
    assert set(columns.parameterNames_()) == {
        *("particleViT_photon", "particleViT_electron", "particleViT_electronWP", "particleViT_status")
    }
    assert columns.particleViT_electron.src.value() == "particleViTPhotons:electron"
    assert columns.particleViT_electronWP.type.value() == "int"
    assert columns.particleViT_status.src.value() == "particleViTPhotons:status"
    assert process.particleViTPhotons.src == process.photonTable.src
    assert process.particleViTPhotonImages.tier.value() == "mini"
    models = {process.particleViTPhotonImages.model, process.particleViTElectronScores.model}
    assert {model.value() for model in models} == {process.particleViTElectrons.model.value()}
    electrons = process.electronTable.externalVariables
    assert electrons.particleViT_photon.src.value() == "particleViTElectrons:photon"
    assert process.jetPuppiTable.externalVariables.particleViT_quark.src.value() == "particleViTJets:quark"
    assert not hasattr(process.jetTable, "externalVariables")
    assert process.particleViTJetImages.src == process.jetPuppiTable.src
    assert "particleViTJetsTask" in process.path.dumpPython()
    process.dumpPython()


def test_nano_takes_the_jet_table_of_run_2_where_that_one_is_scheduled(cms, nano):
    process = nano.addJetScores(nano_process(cms, ["jetTable"]))
    assert hasattr(process.jetTable, "externalVariables")
    process = nano_process(cms, ["jetTable", "jetPuppiTable"])
    process.other = cms.Path(process.jetTable)
    process.schedule = cms.Schedule(process.other)
    assert hasattr(nano.addJetScores(process).jetTable, "externalVariables")


def test_nano_takes_the_jets_of_the_era_where_both_tables_are_scheduled(cms, nano, eras, monkeypatch):
    both = ["jetTable", "jetPuppiTable"]
    process = nano.addJetScores(nano_process(cms, both))
    assert hasattr(process.jetPuppiTable, "externalVariables")
    assert not hasattr(process.jetTable, "externalVariables")
    if not isinstance(eras.run2_nanoAOD_ANY, cms.Modifier):
        pytest.skip("the release's own modifier, which a process may choose only once")
    monkeypatch.setattr(eras.run2_nanoAOD_ANY, "_Modifier__chosen", True)
    monkeypatch.delitem(sys.modules, nano.__name__)
    process = importlib.import_module(nano.__name__).addJetScores(nano_process(cms, both))
    assert hasattr(process.jetTable, "externalVariables")
    assert not hasattr(process.jetPuppiTable, "externalVariables")


@pytest.mark.parametrize("add", ["addElectronPhotonScores", "addJetScores"])
def test_nano_without_any_table_is_refused_and_left_as_it_was(cms, nano, add):
    process = nano_process(cms, [])
    before = process.dumpPython()
    with pytest.raises(RuntimeError, match="no path runs (photonTable|jetPuppiTable or jetTable), which"):
        getattr(nano, add)(process)
    assert process.dumpPython() == before
    with pytest.raises(RuntimeError, match="no path runs"):
        getattr(nano, add)(cms.Process("EMPTY"))


@pytest.mark.parametrize("table", ["photonTable", "electronTable"])
def test_nano_with_a_table_of_electrons_or_photons_without_source_is_refused(cms, nano, table):
    process = nano_process(cms, ["photonTable", "electronTable"])
    delattr(getattr(process, table), "src")
    before = process.dumpPython()
    with pytest.raises(RuntimeError, match=f"{table} has no src"):
        nano.addElectronPhotonScores(process)
    assert process.dumpPython() == before


def test_nano_without_a_table_source_or_model_is_refused(cms, nano, monkeypatch):
    with pytest.raises(RuntimeError, match="no path runs jetPuppiTable or jetTable"):
        nano.addJetScores(nano_process(cms, ["photonTable"]))
    process = nano_process(cms, ["jetTable"])
    del process.jetTable.src
    with pytest.raises(RuntimeError, match="jetTable has no src"):
        nano.addJetScores(process)
    monkeypatch.setenv("CMSSW_SEARCH_PATH", "/nowhere")
    with pytest.raises(RuntimeError, match=r"quark_gluon\.json is in none of CMSSW_SEARCH_PATH=/nowhere"):
        nano.addJetScores(nano_process(cms, ["jetTable"]))
