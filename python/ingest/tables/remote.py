"""Files on servers: root:// through XRootD, http:// and whatever else fsspec knows."""

from __future__ import annotations

import atexit
import hashlib
import logging
import os
import time
import warnings
from collections.abc import Callable
from fnmatch import fnmatch
from functools import cache
from typing import Any, TypeVar

from ...errors import InputError
from .temporary import TemporaryError

TIMEOUT_SECONDS = 30
TRIES = 3
ENDS = 1 << 16  # bytes at either end of a remote file that identify it
logger = logging.getLogger(__name__)
Result = TypeVar("Result")


def is_remote(path: str) -> bool:
    """Tell whether `path` is a URL."""
    return "://" in path


def filesystem(url: str) -> tuple[Any, str]:
    """Return the fsspec file system of `url` and the path in it.

    Raises:
        InputError: the package for this kind of URL is missing, or the kind is unknown.
    """
    # the defaults of XRootD would wait for many minutes; read when its library is loaded
    for name, value in (("CONNECTIONWINDOW", 5), ("CONNECTIONRETRY", 1), ("REQUESTTIMEOUT", TIMEOUT_SECONDS)):
        os.environ.setdefault(f"XRD_{name}", str(value))
    from fsspec.core import url_to_fs

    kind = url.partition("://")[0]
    options: dict[str, Any] = {}
    try:
        if kind in ("http", "https"):
            import aiohttp

            options = {
                "client_kwargs": {"timeout": aiohttp.ClientTimeout(sock_connect=5, sock_read=TIMEOUT_SECONDS)}
            }
        system, path = url_to_fs(url, **options)
    except ImportError as error:
        raise InputError(
            f"{url}: reading {kind}:// needs a package: pip install 'particlevit[remote]'"
        ) from error
    except ValueError as error:
        raise InputError(f"{url}: {error}; use root://, http:// or a local path") from error
    if kind in ("root", "xroot"):
        _end_quietly()
    system.invalidate_cache()  # listings may be old
    return system, path


@cache
def _end_quietly() -> None:
    """Show no warning while Python ends: XRootD then looks at every object, and some of torch warn of it."""
    atexit.register(warnings.simplefilter, "ignore")  # after XRootD's own, and so called before it


def retry(url: str, action: Callable[[], Result]) -> Result:
    """Return what `action` gives, in at most TRIES tries.

    Raises:
        InputError: it failed each time.
    """
    for attempt in range(1, TRIES + 1):
        problem = _attempt(action)
        if not isinstance(problem, _Failure):
            return problem
        reason = " ".join(f"{type(problem.error).__name__} {problem.error}".split())[:160]
        if isinstance(problem.error, FileNotFoundError) and not isinstance(problem.error.__cause__, OSError):
            raise InputError(f"{url}: the server has no such file; check its name") from problem.error
        if attempt < TRIES:
            logger.warning("%s: %s; trying again", url, reason)
            time.sleep(attempt)
    raise TemporaryError(
        f"{url}: no answer in {TRIES} tries ({reason}); check the server, then run the same command again"
    )


class _Failure:
    def __init__(self, error: Exception) -> None:
        self.error = error


def _attempt(action: Callable[[], Result]) -> Result | _Failure:
    try:
        return action()
    except Exception as error:  # each protocol has exceptions of its own
        return _Failure(error)


def open_file(url: str) -> Any:
    """Open a remote file for reading, as a file object."""
    system, path = filesystem(url)
    return retry(url, lambda: system.open(path, "rb", block_size=1 << 20))


def size(url: str) -> int:
    """Return the size of a remote file in bytes."""
    system, path = filesystem(url)
    return retry(url, lambda: int(system.info(path)["size"]))


def glob(pattern: str) -> list[str]:
    """Return the URLs that match a pattern; wildcards may stand in its last part, the name of the file."""
    folder, _, names = pattern.rpartition("/")
    if not set("*?[") & set(names):
        return [pattern]
    system, path = filesystem(f"{folder}/")
    found = retry(pattern, lambda: [str(name).rstrip("/") for name in system.ls(path, detail=False)])
    return [
        f"{folder}/{name}" for name in (name.rpartition("/")[2] for name in found) if fnmatch(name, names)
    ]


def identity(url: str) -> str:
    """Return a hash of the size and both ends of a remote file, which is not read as a whole."""
    total = size(url)

    def read_ends() -> bytes:
        with open_file(url) as file:
            head = file.read(ENDS)
            file.seek(max(0, total - ENDS))
            return bytes(head + file.read(ENDS))

    return "ends-" + hashlib.sha256(str(total).encode() + retry(url, read_ends)).hexdigest()
