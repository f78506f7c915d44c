"""Import modules of vit-pytorch without running the package's `__init__`.

Its `__init__` imports torchvision, whose compiled part fails beside the CPU build of torch; the modules that
hold the models need neither.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType

from ..errors import ModelError

_PACKAGE = "vit_pytorch"


def vit_module(name: str) -> ModuleType:
    """Return the module `vit_pytorch.NAME`, for example `vit_module("simple_vit").SimpleViT`.

    Raises:
        ModelError: vit-pytorch is not installed, or this version of it lacks the module.
    """
    try:
        if _PACKAGE in sys.modules:
            return importlib.import_module(f"{_PACKAGE}.{name}")
        return _import_below_empty_package(name)
    except ImportError as error:
        reason = " ".join(str(error).split())
        raise ModelError(
            f"vit-pytorch: module '{name}' cannot be imported ({reason}); install vit-pytorch>=1.8"
        ) from error


def _import_below_empty_package(name: str) -> ModuleType:
    """Import with an empty stand-in as the parent package, and take the stand-in away again."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None:
        raise ImportError("vit_pytorch not found")
    sys.modules[_PACKAGE] = importlib.util.module_from_spec(spec)
    try:
        return importlib.import_module(f"{_PACKAGE}.{name}")
    finally:
        del sys.modules[_PACKAGE]
