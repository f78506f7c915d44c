"""The examples in docstrings are run, and there are some."""

from __future__ import annotations

import doctest
import importlib

import pytest
from test_rooms import MODULES, PACKAGE

EXAMPLES = sorted(name for name, path in MODULES.items() if ">>> " in path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples(name):
    done = doctest.testmod(importlib.import_module(f"{PACKAGE}.{name}"))
    assert done.attempted > 0
    assert done.failed == 0
