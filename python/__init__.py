"""Vision transformers on CMS detector images.

The configuration fragments of this package are imported by CMSSW's own Python, down to 3.6 and without torch,
so everything else is imported when it is first used.
"""

_PUBLIC = {
    "build_model": ".models",
    "list_models": ".models",
    "load_run": ".inference.backends",
    "open_store": ".store",
    "register_model": ".models",
}

__all__ = ["build_model", "list_models", "load_run", "open_store", "register_model"]


def __getattr__(name):  # type: ignore[no-untyped-def]
    import importlib

    if name not in _PUBLIC:
        raise AttributeError("module '{}' has no attribute '{}'".format(__name__, name))
    return getattr(importlib.import_module(_PUBLIC[name], __name__), name)


def __dir__():  # type: ignore[no-untyped-def]
    return sorted(list(globals()) + list(_PUBLIC))
