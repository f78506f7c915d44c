"""The package as users get it: built, installed outside of the checkout with what it declares, and used."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest

pytestmark = pytest.mark.wheel
ROOT = Path(__file__).resolve().parents[1]
BUILD = "import setuptools.build_meta as b; print(b.build_sdist('dist')); print(b.build_wheel('dist'))"


def run(*words: object, cwd: Path) -> str:
    done = subprocess.run(list(map(str, words)), cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[Path, Path]:
    """The sdist, and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("build")
    source = folder / "source"
    tracked = run("git", "ls-files", "-z", cwd=ROOT).split("\0")[:-1]
    for name in tracked:
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, source / name)
    builder = folder / "builder"
    venv.create(builder, with_pip=True)
    run(builder / "bin/pip", "install", "-q", "setuptools>=77", cwd=folder)
    (source / "dist").mkdir()
    sdist = run(builder / "bin/python", "-c", BUILD, cwd=source).split()
    unpacked = folder / "unpacked"
    sdist_file = next((source / "dist").glob("*.tar.gz"))
    assert sdist_file.name in sdist
    shutil.unpack_archive(sdist_file, unpacked, filter="data")
    inside = next(unpacked.iterdir())
    (inside / "dist").mkdir()
    run(builder / "bin/python", "-c", BUILD, cwd=inside)
    return sdist_file, next((inside / "dist").glob("*.whl"))


def declared(names: list[str]) -> dict[str, Distribution]:
    """Return the distributions that these need, and all that those need, with the extras asked for."""
    from packaging.requirements import Requirement

    found: dict[str, Distribution] = {}
    todo = [Requirement(name) for name in names]
    seen = set()
    while todo:
        wanted = todo.pop()
        key = (wanted.name, frozenset(wanted.extras))
        if key in seen:
            continue
        seen.add(key)
        try:
            found[wanted.name] = distribution(wanted.name)
        except PackageNotFoundError:
            continue  # of another platform
        for line in found[wanted.name].requires or ():
            need = Requirement(line)
            environments = [{"extra": extra} for extra in ("", *wanted.extras)]
            if need.marker is None or any(need.marker.evaluate(one) for one in environments):
                todo.append(need)
    return found


@pytest.fixture(scope="module")
def clean(built, tmp_path_factory) -> Path:
    """An environment with the wheel and links to what it declares, and nothing else."""
    folder = tmp_path_factory.mktemp("clean") / "environment"
    venv.create(folder, symlinks=True)
    python = folder / "bin/python"
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps")
    run(*pip, built[1], cwd=folder)
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)}))
    metadata = next(packages.glob("particlevit-*.dist-info")) / "METADATA"
    needs = re.findall(r"^Requires-Dist: (.*)$", metadata.read_text(), flags=re.MULTILINE)
    for one in declared([need for need in needs if "extra ==" not in need]).values():
        for file in one.files or ():
            top = file.parts[0]
            if top not in ("..", "__pycache__") and not (packages / top).exists():
                (packages / top).symlink_to(Path(str(one.locate_file(top))))
    return folder


def test_the_wheel_trains_and_predicts_outside_of_the_checkout(clean, tmp_path):
    command = clean / "bin/particlevit"
    said = run(command, "--version", cwd=tmp_path)
    assert re.search(r"^particlevit \d", said)
    place = run(
        clean / "bin/python", "-c", "import RecoE2E.ParticleViT as p; print(p.__file__)", cwd=tmp_path
    )
    assert Path(place.strip()).is_relative_to(clean)
    small = ("--training.max_epochs", "1", "--training.batch_size", "64", "--training.threads", "1")
    run(command, "train", "--events", "300", *small, cwd=tmp_path)
    inputs = next((tmp_path / "runs/inputs").glob("*.hdf5"))
    said = run(
        command, "predict", "--run", "runs/electron_photon", "--backend", "onnx", "--files", inputs,
        "--output", "scores.parquet", "--format", "parquet", cwd=tmp_path,
    )  # fmt: skip
    assert "300 scored" in said
    assert (tmp_path / "scores.parquet").stat().st_size > 1000


def test_the_sdist_has_what_the_wheel_is_made_of(built):
    import tarfile
    import zipfile

    with tarfile.open(built[0]) as archive:
        source = {name.partition("/")[2] for name in archive.getnames()}
    with zipfile.ZipFile(built[1]) as archive:
        installed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert {"LICENSE", "README.md", "pyproject.toml"} <= source
    for name in installed:
        inner = name.removeprefix("RecoE2E/ParticleViT/")
        assert {inner, f"python/{inner}"} & source, f"{name} is not in the sdist"
    tracked = run("git", "ls-files", "python", "data", "interface", cwd=ROOT).split()
    shipped = {name.removeprefix("RecoE2E/ParticleViT/") for name in installed}
    forgotten = {name.removeprefix("python/") for name in tracked} - shipped - {"README.md"}
    assert not forgotten, f"not in the wheel: {sorted(forgotten)}"
