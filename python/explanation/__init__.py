"""What a network looks at: maps of cells, how far they can be trusted, and what its score follows."""

from .explain import explain_run

__all__ = ["explain_run"]
