"""Exports of trained models: written, proven, described for CMSSW."""

from .export import export_run
from .validate import validate_run

__all__ = ["export_run", "validate_run"]
