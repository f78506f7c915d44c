"""Files of others become a store."""

from .pipeline import Result, ingest_files

__all__ = ["Result", "ingest_files"]
