"""Metrics and figures."""

from .evaluate import evaluate_run

__all__ = ["evaluate_run"]
