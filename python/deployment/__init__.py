"""Exported models: write, load, compare."""

from .export import export_run
from .predictors import BackendUnavailableError, Predictor
from .run import BACKENDS, load_run
from .validate import validate_run

__all__ = ["BACKENDS", "BackendUnavailableError", "Predictor", "export_run", "load_run", "validate_run"]
