"""The error after which the same command may well succeed."""

from __future__ import annotations

from ...errors import InputError


class TemporaryError(InputError):
    """A server or a worker is gone for now; what was done so far is kept."""
