"""Progress of long work: a bar on a terminal, lines with times in a log file."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

logger = logging.getLogger(__name__)

LOG_SECONDS = 30.0
"""Time between two lines of a log file."""


class Progress:
    """Counts what is done of `total`; see `progress`."""

    def __init__(self, what: str, total: int | None, unit: str, done: int, bar: Any) -> None:
        self.what, self.total, self.unit = what, total, unit
        self.done = self._first = done
        self._bar = bar
        self._begin = self._said = time.monotonic()

    def update(self, count: int = 1) -> None:
        """Add `count` to what is done."""
        self.done += count
        if self._bar is not None:
            self._bar.update(count)
        elif time.monotonic() - self._said > LOG_SECONDS:
            self._said = time.monotonic()
            logger.info("%s", self.line())

    def note(self, text: str) -> None:
        """Show `text` behind the bar, where there is one."""
        if self._bar is not None:
            self._bar.set_postfix_str(text)

    def line(self) -> str:
        """Return what a log file says: "ingest: 1,200 of 4,800 entries (25 %), 300/s"."""
        rate = (self.done - self._first) / max(time.monotonic() - self._begin, 1e-9)
        share = (
            f" of {self.total:,} {self.unit} ({self.done / self.total:.0%})"
            if self.total
            else f" {self.unit}"
        )
        return f"{self.what}: {self.done:,}{share}, {rate:,.0f}/s"


@contextmanager
def progress(what: str, total: int | None, unit: str = "events", done: int = 0) -> Iterator[Progress]:
    """Yield what counts the progress of `what`; nothing is shown if it is empty, or the log is quiet.

    Args:
        what: the work, "ingest".
        total: how many there are to do; None: nobody knows.
        unit: what is counted, in the plural.
        done: how many were done before.
    """
    shown = bool(what) and logger.isEnabledFor(logging.INFO)
    if not shown or not sys.stderr.isatty():
        counter = Progress(what, total, unit, done, None)
        if not shown:
            counter._said = float("inf")
        yield counter
        if shown and counter.done > done:
            logger.info("%s", counter.line())
        return
    from tqdm import tqdm

    with tqdm(total=total, initial=done, desc=what, unit=f" {unit}", mininterval=0.5, file=sys.stderr) as bar:
        yield Progress(what, total, unit, done, bar)
