"""Import Lightning where torchvision is installed but broken.

vit-pytorch brings torchvision, whose usual wheel needs the CUDA build of torch and raises beside the CPU
build; torchmetrics, which Lightning imports, wants names out of any torchvision that is installed. Nothing
here uses them.
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
