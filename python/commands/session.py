"""What surrounds every command: its log, its signals, and the one line that ends it when something fails."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from ..errors import ParticleViTError, Terminated
from ..files import is_disk_error, unwritable

MISTAKE = 2
"""Exit code of a mistake of the user, and of a disk that refuses."""
INTERRUPTED = 130
"""Exit code of Ctrl-C, as shells report it."""
TERMINATED = 143
"""Exit code of SIGTERM, as shells report it."""
BROKEN_PIPE = 141
"""Exit code where nobody reads the output any more, as shells report it."""
CONTINUES = "the same command continues"


def session(action: Callable[[], None], level: int = logging.INFO) -> None:
    """Run `action` and exit with its code: errors of the user, signals and full disks end in one line.

    Args:
        action: the command.
        level: least level of messages that are written to standard error.
    """
    start_log(level)
    with _terminable():
        try:
            action()
        except ParticleViTError as error:
            sys.exit(fail(error))
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for Python's own last flush
            sys.exit(BROKEN_PIPE)
        except OSError as error:
            if not is_disk_error(error):
                raise
            sys.exit(fail(unwritable(error.filename or "output", error)))
        except KeyboardInterrupt:
            sys.stderr.write(f"stopped; {CONTINUES}\n")
            sys.exit(INTERRUPTED)
        except Terminated:
            sys.stderr.write(f"stopped by SIGTERM; {CONTINUES}\n")
            sys.exit(TERMINATED)


def start_log(level: int = logging.INFO) -> None:
    """Write messages to standard error: bare on a terminal, with the time in a file."""
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # else torch's profiler prints when it starts and stops
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # an ASCII terminal has no ±
    text = "%(message)s" if sys.stderr.isatty() else "%(asctime)s %(message)s"
    logging.basicConfig(level=level, format=text, datefmt="%Y-%m-%d %H:%M:%S", stream=sys.stderr)
    for name in ("matplotlib", "fontTools", "PIL", "asyncio", "fsspec", "h5py", "distributed", "numba"):
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def fail(error: ParticleViTError) -> int:
    """Print the one line that a user gets, and return the exit code."""
    sys.stderr.write(f"error: {' '.join(str(error).split())}\n")
    return MISTAKE


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM, which batch systems send, end the work in order."""
    try:
        before = signal.signal(signal.SIGTERM, _terminate)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    raise Terminated
