"""The configuration fragments: CMSSW's Python can read them, and the framework accepts them."""

import ast
import importlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2]
FRAGMENTS = sorted([*PACKAGE.glob("python/*_cfi.py"), *PACKAGE.glob("python/*_cff.py")])
STANDARD = {"FWCore", "RecoE2E", "argparse", "json", "os", "sys"}


@pytest.fixture(scope="module")
def cms():
    return pytest.importorskip("FWCore.ParameterSet.Config", reason="no CMSSW: FWCore.ParameterSet.Config")


def load(path: Path):
    return importlib.import_module(f"RecoE2E.ParticleViT.{path.stem}")


@pytest.mark.parametrize("path", [*FRAGMENTS, *PACKAGE.glob("test/*_cfg.py")], ids=lambda path: path.stem)
def test_python_3_6_can_read_it_without_torch(path):
    tree = ast.parse(path.read_text(), feature_version=(3, 6))
    imports = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imports |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imports} <= STANDARD


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("python/*_cfi.py")), ids=lambda path: path.stem)
def test_cfi_has_the_parameters_of_fill_descriptions(path):
    """The parameters of a _cfi.py are those of the plugin, and its label is the file's name."""
    label = path.stem.removesuffix("_cfi")
    call = next(node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    plugin = ast.literal_eval(call.args[0])
    assert label == plugin[0].lower() + plugin[1:]
    text = (PACKAGE / "plugins" / f"{plugin}.cc").read_text()
    text += "".join(h.read_text() for h in PACKAGE.glob("plugins/*.h") if h.name in text)
    text += (PACKAGE / "plugins/imageContract.h").read_text() if "describeImages" in text else ""
    names = {keyword.arg for keyword in call.keywords} - {"mightGet"}
    assert names == set(re.findall(r'(?:desc\.add<[^;]*?>|desc\.add)\(\s*"(\w+)"', text))


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("python/*_cfi.py")), ids=lambda path: path.stem)
def test_cfi_is_what_the_framework_writes(path, tmp_path):
    """The _cfi.py says what `edmWriteConfigs` makes of fillDescriptions, but for the layout of its text.

    Skipped outside of CMSSW, where there is no such program, and for plugins that cannot be built there: the
    libtorch producer before 14_0, those that read AOD in a framework core without its data formats.
    """
    if shutil.which("edmWriteConfigs") is None:
        pytest.skip("no CMSSW: edmWriteConfigs is not on PATH")
    label = path.stem.removesuffix("_cfi")
    plugin = label[0].upper() + label[1:]
    command = ["edmWriteConfigs", "--plugin", plugin]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    if "Unable to find plugin" in done.stdout + done.stderr:
        pytest.skip(f"{plugin} is not built in this CMSSW")
    assert done.returncode == 0, done.stdout + done.stderr
    written = (tmp_path / path.name).read_text()
    assert ast.dump(ast.parse(path.read_text())) == ast.dump(ast.parse(written))


@pytest.mark.parametrize("path", FRAGMENTS, ids=lambda path: path.stem)
def test_the_framework_loads_it(cms, path):
    load(path)


def test_default_tasks_are_wired(cms):
    process = cms.Process("TEST")
    process.load("RecoE2E.ParticleViT.particleViTElectronPhoton_cff")
    process.load("RecoE2E.ParticleViT.particleViTJets_cff")
    labels = process.particleViTElectronPhotonTask.moduleNames() | process.particleViTJetsTask.moduleNames()
    tags = [
        value
        for label in labels
        for name, value in getattr(process, label).parameters_().items()
        if name in ("images", "candidates", "probabilities")
    ]
    assert len(labels) == 9
    assert len(tags) == 9
    assert all(tag.moduleLabel in labels for tag in tags)
    assert process.particleViTJetScores.channels == process.particleViTJetImages.channels
    process.dumpPython()


def test_nano_tables_get_scores_and_working_points(cms):
    nano = importlib.import_module("RecoE2E.ParticleViT.particleViTNano_cff")
    process = cms.Process("NANO")
    for name, collection in (("photon", "photons"), ("electron", "electrons"), ("jet", "jets")):
        table = cms.EDProducer("SimpleTable", src=cms.InputTag("linkedObjects", collection))
        setattr(process, f"{name}Table", table)
    process.path = cms.Path(process.photonTable + process.electronTable + process.jetTable)
    nano.addJetScores(nano.addElectronPhotonScores(process))
    variables = process.photonTable.externalVariables
    assert variables.particleViT_electron.src.value() == "particleViTPhotons:electron"
    assert variables.particleViT_electronWP.type.value() == "int"
    assert process.particleViTPhotons.src == process.photonTable.src
    assert (
        process.electronTable.externalVariables.particleViT_photon.src.value()
        == "particleViTElectrons:photon"
    )
    assert process.jetTable.externalVariables.particleViT_quark.src.value() == "particleViTJets:quark"
    assert "particleViTJetsTask" in process.path.dumpPython()
    process.dumpPython()
