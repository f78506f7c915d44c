"""Files that exist whole or not at all, whenever the process is killed, and tell when they were damaged."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import OutputError

CHECKSUM = "checksum"
LOCK = ".lock"
_FULL = (errno.ENOSPC, errno.EDQUOT)
_REFUSED = {
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG,
    errno.EFBIG, errno.EIO, errno.ENOENT, errno.ENOTEMPTY, errno.ELOOP, errno.EINVAL,
}  # fmt: skip


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`; rename it to `path` on success, remove it on error.

    The temporary name is the same in every run, so what a killed process left is overwritten by the next one.
    """
    target = Path(path)
    make_folder(target.parent)
    partial = target.with_name(f".{target.name}.partial{target.suffix}")
    try:
        yield partial
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where missing.

    Raises:
        OutputError: there is a file of that name or above, no permission, or no room.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error


def check_writable(path: Path) -> None:
    """Make the folder `path` and see that files can be written to it, before any work is done for them.

    Raises:
        OutputError: it cannot be made, or files cannot be written to it.
    """
    make_folder(path)
    probe = path / f".{os.getpid()}.probe"
    try:
        probe.write_bytes(b"x")
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        probe.unlink(missing_ok=True)


def unwritable(path: str | os.PathLike[str], error: OSError) -> OutputError:
    """Return what to tell a user whose disk refuses `path`."""
    full = error.errno in _FULL
    reason = "no space left on the disk" if full else error.strerror or " ".join(str(error).split())
    hint = "free some space and run the same command again: it continues" if full else "choose another place"
    return OutputError(f"{path}: cannot be written ({reason}); {hint}")


def is_disk_error(error: OSError) -> bool:
    """Tell whether an error is the disk's or the user's: no room, no permission, a file in the way."""
    return error.errno in _REFUSED or error.errno in _FULL


def sha256(path: Path) -> str:
    """Return the checksum of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def write_json(path: str | os.PathLike[str], content: Any) -> None:
    """Write `content` as indented JSON, atomically; a mapping gets its own checksum as the last entry."""
    if isinstance(content, dict):
        content = json.loads(json.dumps({key: content[key] for key in content if key != CHECKSUM}))
        content[CHECKSUM] = _digest(content)
    with atomic_path(path) as partial:
        partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def read_json(path: str | os.PathLike[str]) -> Any:
    """Return what `write_json` wrote, without the checksum.

    Raises:
        OSError: no such file, or no permission.
        ValueError: not JSON, or changed since it was written.
    """
    content = json.loads(Path(path).read_text(encoding="utf-8"))
    if isinstance(content, dict) and CHECKSUM in content:
        expected = content.pop(CHECKSUM)
        if _digest(content) != expected:
            raise ValueError("damaged, or changed by hand: its checksum is another one")
    return content


def _digest(content: dict[str, Any]) -> str:
    """Return the checksum of a mapping, whatever the layout of its text."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@contextmanager
def locked(path: Path, what: str, inside: bool = True) -> Iterator[None]:
    """Keep other processes out of a folder, or from writing a file, as long as this one is there.

    A killed process leaves its file .lock behind, but no lock.

    Args:
        path: folder, which is made where missing; or file.
        what: what this process does there, for the message of the others: "training".
        inside: whether the lock is .lock inside of the folder, or .NAME.lock beside it.

    Raises:
        OutputError: another process is writing there, or it cannot be written.
    """
    lock = path / LOCK if inside else path.with_name(f".{path.name}{LOCK}")
    make_folder(lock.parent)
    try:
        file = lock.open("a+", encoding="utf-8")
    except OSError as error:
        raise unwritable(path, error) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if lock.stat().st_ino != os.fstat(file.fileno()).st_ino:
                raise BlockingIOError
        except (BlockingIOError, FileNotFoundError) as error:
            file.seek(0)
            owner = file.read().strip() or what
            raise OutputError(
                f"{path}: another {owner} is writing here; wait for it or choose another place"
            ) from error
        try:
            file.truncate(0)
            file.write(f"{what} (process {os.getpid()})")
            file.flush()
            yield
        finally:
            lock.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder that replaces `path` when all is well, and vanishes on an error.

    Raises:
        OutputError: another export is being written, or it cannot be written.
    """
    partial, old = (path.with_name(f".{path.name}.{word}") for word in ("partial", "old"))
    with locked(path, "export", inside=False):
        for leftover in (partial, old):
            _remove(leftover)
        try:
            make_folder(partial)
            yield partial
            if path.exists():
                path.rename(old)
            partial.rename(path)
        finally:
            for leftover in (partial, old):
                _remove(leftover)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
