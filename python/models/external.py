"""Models of a user's own module, which a recipe names in `model.module`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from ..errors import ModelError

if TYPE_CHECKING:
    from ..recipe import Model


def import_models(model: Model) -> None:
    """Import the module that a recipe's section `model` names, so that its models register themselves.

    Raises:
        ModelError: there is no such module on Python's path, or it cannot be imported.
    """
    if model.module is None:
        return
    try:
        importlib.import_module(model.module)
    except Exception as error:  # whatever the user's module raises
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ModelError(
            f"model.module '{model.module}' cannot be imported ({reason}); "
            "correct it, or put its folder on PYTHONPATH"
        ) from error
