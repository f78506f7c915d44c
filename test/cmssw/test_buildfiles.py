"""The BuildFile.xml files name every package whose headers are included, and no other."""

import importlib.util
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2]
OWN = "RecoE2E/ParticleViT"
EXTERNALS = {  # how their headers begin
    "nlohmann/": "json",
    "catch2/": "catch2",
    "torch/": "pytorch",
    **dict.fromkeys(("TDirectory", "TFile", "TH1", "TH2", "TObjString"), "root"),
}
INCLUDE = re.compile(
    r'^\s*#(?:include|if __has_include|elif __has_include)\s*\(?["<]([^">]+)[">]', re.MULTILINE
)


def targets(build_file: Path):
    root = ET.fromstring(f"<root>{build_file.read_text()}</root>")
    for kind in ("library", "bin"):
        yield from root.iter(kind)


def includes(path: Path, seen: set[Path]) -> set[str]:
    """Headers that a file includes, through the package's own headers too, except for interface/."""
    seen.add(path)
    found = set()
    for header in INCLUDE.findall(path.read_text()):
        own = PACKAGE / header.removeprefix(f"{OWN}/") if header.startswith(OWN) else path.parent / header
        if own.is_file() and own not in seen and "interface" not in own.parent.name:
            found |= includes(own, seen)
        found.add(header)
    return found


def needed(headers: set[str]) -> set[str]:
    uses = set()
    for header in headers:
        if match := re.match(r"(\w+/\w+)/interface/", header):
            uses.add(match.group(1))
        uses |= {name for start, name in EXTERNALS.items() if header.startswith(start)}
        uses |= {OWN} if header.startswith(f"{OWN}/") else set()
    return uses


ALL = [
    (folder, target)
    for folder in ("plugins", "test")
    for target in targets(PACKAGE / folder / "BuildFile.xml")
]


@pytest.mark.parametrize(
    ("folder", "target"), ALL, ids=lambda value: getattr(value, "attrib", {}).get("name")
)
def test_uses_are_the_included_packages(folder, target):
    headers: set[str] = set()
    for file in target.attrib["file"].split(","):
        headers |= includes(PACKAGE / folder / file, set())
    uses = [use.attrib["name"] for use in target.iter("use")]
    assert len(uses) == len(set(uses))
    assert set(uses) == needed(headers)


def test_every_source_is_built():
    for folder, pattern in (("plugins", "*.cc"), ("test", "plugins/*.cc"), ("test", "cpp/test*.cpp")):
        built = {
            file for where, target in ALL if where == folder for file in target.attrib["file"].split(",")
        }
        found = {str(path.relative_to(PACKAGE / folder)) for path in (PACKAGE / folder).glob(pattern)}
        assert found <= built


def test_the_package_uses_what_its_headers_include():
    root = ET.fromstring(f"<root>{(PACKAGE / 'BuildFile.xml').read_text()}</root>")
    headers = {h for path in (PACKAGE / "interface").glob("*.h") for h in INCLUDE.findall(path.read_text())}
    assert {use.attrib["name"] for use in root.iter("use")} == needed(headers) - {OWN}


def test_plugins_are_plugins():
    for _, target in ALL:
        if target.tag == "library":
            assert any("EDM_PLUGIN" in flags.attrib for flags in target.iter("flags"))


TESTS = [
    test.attrib
    for test in ET.fromstring(f"<root>{(PACKAGE / 'test/BuildFile.xml').read_text()}</root>").iter("test")
]


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test["name"])
def test_commands_of_runtests_succeed(test, monkeypatch, tmp_path):
    """What `scram b runtests` runs; skipped without a framework, and NanoAOD without the release's own."""
    base = os.environ.get("CMSSW_BASE")
    if base is None or shutil.which("cmsRun") is None:
        pytest.skip("no CMSSW: cmsRun is not on PATH")
    if "nano_cfg" in test["command"] and importlib.util.find_spec("PhysicsTools") is None:
        pytest.skip("no PhysicsTools/NanoAOD in this CMSSW")
    monkeypatch.setenv("LOCALTOP", base)
    command = ["bash", "-c", test["command"]]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_commands_of_runtests_name_files_that_are_there():
    for test in TESTS:
        for path in re.findall(r"[$][{]LOCALTOP[}]/src/RecoE2E/ParticleViT/(\S+)", test["command"]):
            assert (PACKAGE / path).is_file()


def test_nothing_in_the_root_overrides_the_frameworks_style():
    assert not list(PACKAGE.glob(".clang-*"))
