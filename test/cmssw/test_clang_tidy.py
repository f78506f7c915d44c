"""clang-tidy has nothing to say about the code that compiles without the framework."""

import subprocess
from pathlib import Path

import pytest

FILES = (
    "test/cpp/windowVectors.cpp",
    "test/cpp/testTensorPacker.cpp",
    "test/cpp/testModelMetadata.cpp",
    "data/programs/makeImages.cpp",
    "data/programs/scoreOnnx.cpp",
)


@pytest.mark.needs("clang-tidy")
def test_clang_tidy_is_silent(cpp_build):
    root = cpp_build.parent.parent
    files = [
        root / name
        for name in FILES
        if Path(name).stem.startswith("test") or (cpp_build / Path(name).stem).exists()
    ]
    done = subprocess.run(
        ["clang-tidy", "-p", str(cpp_build), "--quiet", *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
