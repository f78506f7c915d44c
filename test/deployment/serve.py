#!/usr/bin/env python3
"""Serve a model repository with a real Triton server on this machine's processor, without root or container.

    test/deployment/serve.py REPOSITORY --environment FOLDER [--port 8000]

The server is the one inside of nvidia-pytriton's wheel, in an environment of its own, which is made where
FOLDER has none. That server has no ONNX Runtime backend, so a copy of the repository is served, with the same
names, shapes and batching: onnxruntime runs model.onnx in Triton's Python backend (served_model.py).
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

PACKAGES = ("nvidia-pytriton==0.7.0", "onnxruntime")
ENVIRONMENT = 'parameters {{\n  key: "EXECUTION_ENV_PATH"\n  value: {{ string_value: "{}" }}\n}}\n'


def main() -> None:
    """Start the server and wait for it to end."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repository", type=Path, help="folder that scripts/export.py --triton wrote")
    parser.add_argument("--environment", type=Path, required=True, help="where the server is, or will be")
    parser.add_argument("--port", type=int, default=8000, help="of the HTTP protocol")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that the server ends too
    packages = make_environment(arguments.environment.resolve())
    with tempfile.TemporaryDirectory() as name:
        repository = python_copy(arguments.repository, Path(name) / "models", arguments.environment.resolve())
        server = packages / "pytriton" / "tritonserver"
        libraries = (sysconfig.get_config_var("LIBDIR"), str(packages / "nvidia_pytriton.libs"))
        command = [
            str(server / "bin" / "tritonserver"),
            f"--model-repository={repository}",
            f"--backend-directory={python_backend(server, Path(name) / 'backends')}",
            f"--http-port={arguments.port}",
            *("--http-address=127.0.0.1", "--allow-grpc=false", "--allow-metrics=false"),
        ]
        process = subprocess.Popen(command, env={**os.environ, "LD_LIBRARY_PATH": ":".join(libraries)})
        try:
            sys.exit(process.wait())
        finally:
            process.terminate()
            process.wait()


def make_environment(folder: Path) -> Path:
    """Return the site-packages of an environment with the server, which is made where it is not yet."""
    if not (folder / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        try:
            subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "-q", *PACKAGES], check=True)
        except BaseException:
            shutil.rmtree(folder)
            raise
    return next(folder.glob("lib/python3*/site-packages"))


def python_copy(repository: Path, copy: Path, environment: Path) -> Path:
    """Return a copy of a model repository that Triton's Python backend can serve."""
    shutil.copytree(repository, copy)
    for config in copy.glob("*/config.pbtxt"):
        text = config.read_text(encoding="utf-8").replace('backend: "onnxruntime"', 'backend: "python"')
        config.write_text(text + ENVIRONMENT.format(environment), encoding="utf-8")
        shutil.copyfile(Path(__file__).with_name("served_model.py"), config.parent / "1" / "model.py")
    return copy


def python_backend(server: Path, folder: Path) -> Path:
    """Return a folder with the Python backend for this version of Python."""
    shutil.copytree(server / "backends", folder)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    stub = shutil.copy(
        server / "python_backend_stubs" / version / "triton_python_backend_stub", folder / "python"
    )
    Path(stub).chmod(0o755)
    return folder


if __name__ == "__main__":
    main()
