"""cmsRun in the environment of a CMSSW area, from a Python that is not the area's."""

import os
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

from RecoE2E.ParticleViT.deployment.validate import validate_run
from RecoE2E.ParticleViT.errors import DeploymentError
from RecoE2E.ParticleViT.inference.backends import load_run
from RecoE2E.ParticleViT.inference.cmsrun import OF_THIS_PYTHON

PACKAGE = Path(__file__).resolve().parents[2]
FRAMEWORK = ("CMSSW_BASE", "CMSSW_RELEASE_BASE", "CMSSW_VERSION", "SCRAM_ARCH")


def make_area(folder, release="CMSSW_13_1_0", package=PACKAGE):
    """Make what cmsrel and a checkout of the package make of a folder."""
    (folder / ".SCRAM").mkdir(parents=True)
    (folder / ".SCRAM/Environment").write_text(f"SCRAM_TOOL_HOME=x\nSCRAM_PROJECTVERSION={release}\n")
    (folder / "src/RecoE2E").mkdir(parents=True)
    if package is not None:
        (folder / "src/RecoE2E/ParticleViT").symlink_to(package)
    return folder


@pytest.fixture
def scram(tmp_path, monkeypatch):
    """Put a `scram` on PATH that prints an environment, as the real one does: `scram(NAME=value)`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def make(**environment):
        lines = "\n".join(f"export {name}={shlex.quote(value)};" for name, value in environment.items())
        program = folder / "scram"
        program.write_text(f"#!/bin/sh\n[ \"$*\" = 'runtime -sh' ] || exit 1\ncat << 'END'\n{lines}\nEND\n")
        program.chmod(0o755)

    return make


def test_folders_that_cannot_run_it_are_named(exported_run, tmp_path, scram, script):
    scram()
    cases = {
        "none": (tmp_path / "none", r"not a CMSSW area, .*Environment is missing; make one with cmsrel"),
        "bare": (make_area(tmp_path / "bare", package=None), "has no .*ParticleViT; check the package out"),
        "old": (make_area(tmp_path / "old", "CMSSW_10_6_30"), "CMSSW_10_6_30 does not load .*CMSSW_13_1"),
        "opset": (make_area(tmp_path / "opset", "CMSSW_13_0_3"), "CMSSW_13_0_3 does not load"),
    }
    for area, words in cases.values():
        with pytest.raises(DeploymentError, match=words):
            validate_run(exported_run, cmssw=area)
    for name, words in (
        ("none", "not a CMSSW area"),
        ("bare", "has no"),
        ("old", "does not load the exports"),
    ):
        done = script("validate", "--run", exported_run, "--cmssw", tmp_path / name, check=2)
        assert words in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_machine_without_scram_is_told(exported_run, tmp_path, monkeypatch):
    area = make_area(tmp_path / "area")
    monkeypatch.setenv("PATH", str(tmp_path))
    if Path("/cvmfs/cms.cern.ch/cmsset_default.sh").exists():
        pytest.skip("CMSSW is installed here")
    with pytest.raises(DeploymentError, match="neither scram on PATH nor /cvmfs"):
        load_run(exported_run, "cmsrun", cmssw=area)


def test_the_job_gets_the_environment_of_the_area(exported_run, tmp_path, scram, monkeypatch):
    """A cmsRun that tells its environment instead of running: the areas's, and nothing of this Python."""
    told = tmp_path / "environment"
    (tmp_path / "release").mkdir()
    program = tmp_path / "release/cmsRun"
    program.write_text(f"#!/bin/sh\nenv > {told}\necho 'no model today'\nexit 66\n")
    program.chmod(0o755)
    scram(
        CMSSW_SEARCH_PATH="/area/src",
        PATH=f"{program.parent}:{os.environ['PATH']}",
        PYTHONPATH="/area/python",
    )
    monkeypatch.setenv("PYTHONHOME", "/this/python")
    predictor = load_run(exported_run, "cmsrun", cmssw=make_area(tmp_path / "area"))
    with pytest.raises(DeploymentError, match="cmsRun: no model today"):
        predictor.predict(np.zeros((1, 2, 24, 24), np.float32))
    found = dict(line.split("=", 1) for line in told.read_text().splitlines() if "=" in line)
    export = (exported_run / "export").resolve()
    assert found["CMSSW_SEARCH_PATH"] == f"/area/src:{export}"
    assert found["CMSSW_DATA_PATH"] == str(export.parent)
    assert found["PYTHONPATH"] == "/area/python"
    assert not {"PYTHONHOME", "VIRTUAL_ENV"} & found.keys() & set(OF_THIS_PYTHON)


def test_a_real_framework_scores_from_an_area(exported_run, tmp_path, scram, monkeypatch):
    """The framework that is on PATH, taken off it and entered through an area."""
    program = shutil.which("cmsRun")
    if program is None:
        pytest.skip("no CMSSW: cmsRun is not on PATH")
    known = {name: os.environ[name] for name in FRAMEWORK if name in os.environ}
    search = os.environ.get("CMSSW_SEARCH_PATH", str(PACKAGE))
    here = Path(program).parent
    kept = [folder for folder in os.environ["PATH"].split(":") if Path(folder) != here]
    scram(**known, CMSSW_SEARCH_PATH=search, PATH=":".join([str(here), *kept]))
    monkeypatch.setenv("PATH", ":".join([str(tmp_path / "bin"), *kept]))
    for name in known:
        monkeypatch.delenv(name)
    images = np.random.default_rng(1).exponential(1, (20, 2, 24, 24)).astype(np.float32)
    area = make_area(tmp_path / "area", os.environ.get("CMSSW_VERSION", "CMSSW_13_1_0"))
    found = load_run(exported_run, "cmsrun", cmssw=area).predict(images)
    assert np.abs(found - load_run(exported_run, "onnx").predict(images)).max() <= 1e-5
