"""HDF5 files on a disk that may become full: the HDF5 library itself does not survive a write that fails."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class _Patient(io.FileIO):
    """A file that keeps its first error, for whoever asks, instead of raising it inside of the library."""

    error: OSError | None = None

    def write(self, data: Any) -> int:
        """Write bytes; say that they are written in any case."""
        return self._tried(lambda: super(_Patient, self).write(data), len(data))

    def truncate(self, size: int | None = None) -> int:
        """Change the size of the file; say that it is so in any case."""
        return self._tried(lambda: super(_Patient, self).truncate(size), size or 0)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place, which a disk may be too small for; say that it is reached in any case."""
        return self._tried(lambda: super(_Patient, self).seek(offset, whence), offset)

    def _tried(self, action: Callable[[], int], answer: int) -> int:
        if self.error is None:
            try:
                return action()
            except OSError as error:
                self.error = error
        return answer

    def check(self) -> None:
        """Raise the first error, if there was one."""
        if self.error is not None:
            raise self.error


@contextmanager
def new_hdf5(path: Path) -> Iterator[tuple[Any, Any]]:
    """Yield a new HDF5 file, and a function that raises an OSError where the disk has refused a write.

    Raises:
        OSError: the file cannot be opened, or the disk has refused a write.
    """
    import h5py

    with _Patient(path, "w+") as raw:
        with h5py.File(raw, "w") as file:
            yield file, raw.check
        raw.check()
