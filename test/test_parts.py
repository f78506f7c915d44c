"""A missing part leads to a skip that says what brings it, or to a failure where all parts are required."""

import os
import subprocess
import sys
from pathlib import Path

import parts
import pytest

HEADERS = {
    "Catch2": ["catch2/catch.hpp", "catch2/catch_all.hpp"],
}
USERS = {
    "ONNX Runtime's headers": "test/inference/test_programs.py::test_built_programs_agree_with_python",
    "xrootd": "test/ingest/test_remote.py::test_xrootd",
    "clang-tidy": "test/cmssw/test_clang_tidy.py",
    "the real samples": "test/simulation/test_comparison.py",
}
"""Part -> a test that needs it; the others are needed by the unit tests in C++."""


def hide(part: str, folder: Path) -> dict[str, str]:
    """Return an environment in which a part that is here cannot be found."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop(parts.REQUIRE_ALL, None)
    if part in HEADERS:
        for name in HEADERS[part]:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text("#error hidden\n")
        return {**environment, "CPATH": str(folder)}
    if part == "ONNX Runtime's headers":
        return {**environment, "ONNXRUNTIME_INCLUDE": str(folder)}
    if part == "the real samples":
        return {**environment, "PARTICLEVIT_SAMPLES": str(folder / "none")}
    for path in reversed(os.environ["PATH"].split(os.pathsep)):
        for program in Path(path).glob("*"):
            (folder / program.name).unlink(missing_ok=True)
            if program.name != part:
                (folder / program.name).symlink_to(program)
    return {**environment, "PATH": str(folder)}


def run(part: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    test = USERS.get(part, "test/cmssw/test_cpp_units.py")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test]
    return subprocess.run(
        command, cwd=parts.PACKAGE, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("part", ["g++", "cmake", "Catch2", *USERS])
def test_a_missing_part_is_a_skip_that_says_what_brings_it(part, tmp_path):
    done = run(part, hide(part, tmp_path))
    assert done.returncode == 0, done.stdout
    *_, missing = done.stdout.strip().partition("= not tested =")
    assert f"without {part} ({parts.PARTS[part].bring})" in missing  # beside what this machine lacks anyway
    assert "skipped" in missing.splitlines()[-1]


@pytest.mark.parametrize("part", ["g++", "Catch2"])
def test_a_missing_part_is_a_failure_where_all_are_required(part, tmp_path):
    done = run(part, {**hide(part, tmp_path), parts.REQUIRE_ALL: "1"})
    assert done.returncode == 1
    assert f"without {part} ({parts.PARTS[part].bring}), but {parts.REQUIRE_ALL} is 1" in done.stdout
