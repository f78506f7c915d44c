"""Import vit-pytorch and Lightning beside a torchvision that is installed but broken.

vit-pytorch requires torchvision, whose wheel on PyPI is built for the CUDA build of torch of the same day
and raises beside a CPU build ("operator torchvision::nms does not exist"). Nothing here uses it, but
vit_pytorch/__init__.py and torchmetrics, which Lightning imports, do. Both hooks stand here only and do
nothing where torchvision works, as with plain `pip install torch` on Linux. They can go when vit-pytorch
(1.26 does not) imports its models without torchvision and torchmetrics (1.9 does not) survives an import of
it that fails.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from ..errors import ModelError

_PACKAGE = "vit_pytorch"
_NAME = "torchvision"


class _StandIn(ModuleType):
    """A module in which every public name exists."""

    __path__: list[str] = []  # noqa: RUF012  # modules have it as an instance attribute

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _StandIn(f"{self.__name__}.{name}")


class _Finder(MetaPathFinder, Loader):
    """Finds a stand-in for torchvision and all below it."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:  # noqa: ARG002
        """Return the stand-in's spec for torchvision's modules."""
        return ModuleSpec(fullname, self) if fullname.split(".")[0] == _NAME else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Make a stand-in."""
        return _StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing."""


def import_lightning() -> None:
    """Import Lightning, with stand-ins for torchvision while that lasts if it cannot be imported."""
    if "lightning.pytorch" in sys.modules:
        return
    if importlib.util.find_spec(_NAME) is None or _works():
        importlib.import_module("lightning.pytorch")
        return
    with _stand_in():
        importlib.import_module("lightning.pytorch")


def _works() -> bool:
    try:
        importlib.import_module(_NAME)
    except Exception:  # the broken one raises RuntimeError or OSError, by version
        _forget()
        return False
    return True


@contextmanager
def _stand_in() -> Iterator[None]:
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        _forget()


def _forget() -> None:
    """Take torchvision's modules out of those imported."""
    for name in [name for name in sys.modules if name.split(".")[0] == _NAME]:
        del sys.modules[name]


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
