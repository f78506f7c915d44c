"""clang-tidy has nothing to say about the code that compiles without the framework."""

import subprocess

import pytest

PROGRAMS = ("windowVectors.cpp", "testTensorPacker.cpp", "testModelMetadata.cpp", "scoreOnnx.cpp")


@pytest.mark.needs("clang-tidy")
def test_clang_tidy_is_silent(cpp_build):
    folder = cpp_build.parent.parent / "test/cpp"
    files = [
        folder / name
        for name in PROGRAMS
        if (cpp_build / name.removesuffix(".cpp")).exists() or "test" in name
    ]
    done = subprocess.run(
        ["clang-tidy", "-p", str(cpp_build), "--quiet", *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
