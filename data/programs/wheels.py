"""Print NAME=PLACE;... of the libraries that Python's packages bring, as CMakeLists.txt asks for them."""

import importlib.util
import pathlib
import sys


def place(module, pattern):
    """Return the first place that matches a pattern in a package's folder, without importing it."""
    spec = importlib.util.find_spec(module)
    folder = pathlib.Path(spec.origin).parent if spec and spec.origin else None
    return next(iter(sorted(folder.glob(pattern))), None) if folder else None


PLACES = {
    "NLOHMANN_INCLUDE": place("nlohmann_json", "include"),
    "ONNXRUNTIME_LIBRARY": place("onnxruntime", "capi/libonnxruntime.so.*"),
    "TORCH_CMAKE": place("torch", "share/cmake"),
}
sys.stdout.write(";".join(f"{name}={found}" for name, found in PLACES.items() if found))
