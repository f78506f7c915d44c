"""What tests need beside the Python packages, and what brings it.

A test names what it needs by `@pytest.mark.needs("xrootd")`, a fixture by `need("g++", "cmake")`. Where a
part is missing the test is skipped, with the line that brings it, or fails if PARTICLEVIT_REQUIRE_ALL is 1.
The last lines of a run say what was not tested. `pytest -m parts` runs the tests that need any part.
"""

from __future__ import annotations

import collections
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).resolve().parent.parent
REQUIRE_ALL = "PARTICLEVIT_REQUIRE_ALL"
FIXTURES = {"cpp_build", "program", "shared_data"}
"""Fixtures that need parts; whatever uses them is marked `parts`."""


class Part(NamedTuple):
    """Something that this machine has or not."""

    is_here: Callable[[], bool]
    bring: str
    """The line that brings it."""
    required: bool = True
    """Whether PARTICLEVIT_REQUIRE_ALL asks for it: not where no line brings it on every machine."""


def _program(name: str) -> Callable[[], bool]:
    return lambda: shutil.which(name) is not None


def _compiles(line: str) -> bool:
    if shutil.which("g++") is None:
        return False
    command = ["g++", "-std=c++17", "-E", "-x", "c++", "-", "-o", os.devnull]
    return subprocess.run(command, input=line.encode(), capture_output=True, check=False).returncode == 0


def _module(name: str) -> Callable[[], bool]:
    return lambda: importlib.util.find_spec(name) is not None


def onnxruntime_headers() -> Path | None:
    """Folder of ONNX Runtime's headers: $ONNXRUNTIME_INCLUDE, or that of test/cpp/onnxruntimeHeaders.sh."""
    named = os.environ.get("ONNXRUNTIME_INCLUDE")
    folder = Path(named) if named else PACKAGE / "build/onnxruntime/usr/include/onnxruntime"
    return folder if (folder / "onnxruntime_cxx_api.h").is_file() else None


def samples() -> Path:
    """Folder of the real samples beside the checkout."""
    return Path(os.environ.get("PARTICLEVIT_SAMPLES", PACKAGE.parent / "shared" / "data"))


PARTS = {
    "g++": Part(_program("g++"), "apt-get install g++"),
    "cmake": Part(_program("cmake"), "apt-get install cmake"),
    "Catch2": Part(
        lambda: any(map(_compiles, ("#include <catch2/catch.hpp>", "#include <catch2/catch_all.hpp>"))),
        "apt-get install catch2",
    ),
    "ONNX Runtime's headers": Part(
        lambda: onnxruntime_headers() is not None, "test/cpp/onnxruntimeHeaders.sh build/onnxruntime"
    ),
    "libtorch": Part(_module("torch"), "pip install torch"),
    "xrootd": Part(_program("xrootd"), "apt-get install xrootd-server"),
    "fsspec-xrootd": Part(_module("fsspec_xrootd"), "pip install fsspec-xrootd"),
    "aiohttp": Part(_module("aiohttp"), "pip install aiohttp"),
    "clang-tidy": Part(_program("clang-tidy"), "apt-get install clang-tidy"),
    "ROOT": Part(_module("ROOT"), "pip install root (Python 3.11)", required=False),
    "the real samples": Part(lambda: samples().is_dir(), "put them into ../shared/data", required=False),
}


@cache
def is_here(name: str) -> bool:
    """Tell whether this machine has a part."""
    return PARTS[name].is_here()


def need(*names: str) -> None:
    """Skip the running test where one of these parts is missing; fail where all parts are required."""
    for name in names:
        if is_here(name):
            continue
        reason = f"without {name} ({PARTS[name].bring})"
        if os.environ.get(REQUIRE_ALL) == "1" and PARTS[name].required:
            pytest.fail(f"{reason}, but {REQUIRE_ALL} is 1", pytrace=False)
        pytest.skip(reason)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test marked `needs` where its part is missing."""
    for marker in item.iter_markers("needs"):
        need(*marker.args)


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Mark `parts` whatever needs one."""
    for item in items:
        if any(item.iter_markers("needs")) or FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("parts")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    """Say in the last lines how many tests were skipped, and why."""
    yield
    reasons = collections.Counter(
        report.longrepr[2].removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple)
    )
    if reasons:
        terminalreporter.section("not tested")
    for reason, tests in reasons.most_common():
        terminalreporter.write_line(f"{tests:>4} {'test' if tests == 1 else 'tests'}: {reason}")
