"""How fuzz.py runs a case: in a process of its own, on fresh files, and what it looks at afterwards."""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import os
import re
import resource
import shutil
import signal
import sys
import time
import traceback
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from fuzz_cases import Case, damage
from fuzz_files import FOLDER

SECONDS = 60
"""After which, on an idle machine, a case is asked to end by SIGTERM."""
GRACE = 20
"""Seconds that it then has to end with 143."""
MEMORY = 6 << 30
"""Bytes of data that a case may have."""
LONG = ("--events", "--training.max_epochs", "--trials", "--timeout", "--show")
"""Options whose large values ask for long work."""
PROFILED = ("benchmark",)
"""Verbs that need a process from the start: torch's profiler waits for a thread that a fork does not have."""
WARNING = re.compile(r"\b\w*Warning: |USDT:|\[W\d+ |^\[E:|core dumped", re.MULTILINE)


State = tuple[int, int, int]
_pristine: dict[str, State] = {}
"""State of the copy when nothing had touched it."""


class Outcome(NamedTuple):
    """What a case ended with; `fault` is empty where that is in order."""

    case: Case
    code: int
    seconds: float
    text: str
    fault: str


def run_case(case: Case, folder: Path) -> Outcome:
    """Run a case on a fresh copy of the files; one that is stopped is run again."""
    work = folder / FOLDER
    restore(folder / "good", work)
    if case.kind == "stops":
        return _run_stopped(case, folder)
    if case.damage is not None:
        name, kind = case.damage
        damage(work / name, kind, folder / "other" / name)
    before = states(work)
    code, seconds, text = _run(case, folder)
    return Outcome(case, code, seconds, text, _fault(case, code, text, work, before))


def _run(case: Case, folder: Path, stop: tuple[int, float] | None = None) -> tuple[int, float, str]:
    """Run a command in a process that this one forks; return exit code, seconds and what it printed.

    With `stop`, it gets a signal after some seconds.
    """
    log = folder / "log.txt"
    begin = time.monotonic()
    child = os.fork()
    if child == 0:
        _in_child(case, folder / FOLDER, log)
    code = _wait(child, stop)
    return code, time.monotonic() - begin, log.read_text(encoding="utf-8", errors="replace")


def _run_stopped(case: Case, folder: Path) -> Outcome:
    """Stop a command by a signal somewhere on its way; the same command then ends as if undisturbed."""
    assert case.damage is not None
    work, (name, share) = folder / FOLDER, case.damage
    if case.command not in _undisturbed:
        code, seconds, text = _run(case, folder)
        if code:
            return Outcome(case, code, seconds, text, f"exit code {code}, undisturbed")
        _undisturbed[case.command] = seconds, results(work)
        restore(folder / "good", work)
    usual, expected = _undisturbed[case.command]
    number = signal.Signals[name]
    code, seconds, text = _run(case, folder, (number, usual * float(share)))
    known = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}[number]
    if code == 0:
        return Outcome(case, code, seconds, text, "")
    if code != known or "Traceback" in text:
        return Outcome(
            case, code, seconds, text, f"exit code {code} after {name}, expected {known}: {text[-200:]!r}"
        )
    code, more, text = _run(case, folder)
    if code == 2 and case.verb == "simulate" and "is there already" in text:
        code = 0  # it had been finished
    fault = f"exit code {code} when run again: {text[-200:]!r}" if code else ""
    if not fault and (differing := expected ^ results(work)):
        fault = f"stopped and run again it leaves others: {sorted(differing)[:4]}"
    return Outcome(case, code, seconds + more, text, fault)


_undisturbed: dict[str, tuple[float, set[str]]] = {}
"""Seconds and results of each command line that is stopped."""
EXACT = (".h5", ".hdf5", ".parquet")
"""Endings of results that are the same bit for bit, however often their command was stopped."""


def results(work: Path) -> set[str]:
    """Return the names of all files, with a checksum where their bytes do not depend on the clock."""
    found = set()
    for path in work.rglob("*"):
        if path.is_file() and path.name != ".lock" and "trials" not in path.parts:
            exact = path.suffix in EXACT
            checksum = hashlib.sha256(path.read_bytes()).hexdigest()[:8] if exact else ""
            found.add(f"{path.relative_to(work)} {checksum}")
    return found


def _in_child(case: Case, work: Path, log: Path) -> None:
    """Run the command; never return."""
    code = 99
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # until the command has begun
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.chdir(work)
        with log.open("w", encoding="utf-8") as file, open(os.devnull, encoding="utf-8") as nothing:
            os.dup2(nothing.fileno(), 0)
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        if case.verb in PROFILED:
            script = Path(__file__).parent.parent / f"scripts/{case.verb}.py"
            os.execv(sys.executable, [sys.executable, str(script), *case.words])
        sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), line_buffering=True)
        sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), line_buffering=True)
        logging.getLogger().handlers.clear()
        main = import_module(f"RecoE2E.ParticleViT.commands.{case.verb}").main
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            main(list(case.words))
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _wait(child: int, stop: tuple[int, float] | None = None) -> int:
    """Return the exit code of a process, -1 where it hangs, and minus the signal where one ended it."""
    load = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    signals: list[tuple[int, float]] = [(signal.SIGTERM, SECONDS * load), (signal.SIGKILL, GRACE * load)]
    for number, seconds in [*([stop] if stop else []), *signals]:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found, status = os.waitpid(child, os.WNOHANG)
            if found:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child, signal.SIGKILL)  # what it may have left behind
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.01)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)
    os.waitpid(child, 0)
    return -1


def _fault(case: Case, code: int, text: str, work: Path, before: dict[str, State]) -> str:
    """Return what is wrong with how a case ended, or nothing."""
    lines = text.strip().splitlines() or [""]
    if code == -1:
        return f"hangs for {SECONDS} s, also after SIGTERM"
    if "Traceback (most recent call last)" in text or code == 99:
        return f"traceback: {lines[-1][:150]}"
    if code == 143 and any(word in LONG for word in case.words):
        return ""
    if code not in (0, 1, 2):
        return f"exit code {code}: {lines[-1][:150]}"
    if found := WARNING.search(text):
        return f"a library's warning: {text[found.start() : found.start() + 150]!r}"
    if code == 2 and not lines[-1].startswith("error: "):
        return f"exit code 2, but the last line is {lines[-1][:150]!r}"
    if left := [path for path in work.rglob("*") if "partial" in path.name or path.name == ".lock"]:
        return f"leaves {left[0].relative_to(work)}"
    after = states(work)
    harmed = [name for name, one in before.items() if after.get(name) != one and _kept(case, code, name)]
    return f"harms {', '.join(harmed)}" if harmed else ""


def _kept(case: Case, code: int, name: str) -> bool:
    """Tell whether a command must leave a file as it was: all where it failed, else what it only reads."""
    if case.damage is not None and case.damage[0] == name:
        return False  # may be mended
    if Path(name).suffix in (".png", ".html"):
        return False
    top = name.split("/")[0]
    if "--overwrite" in case.words and case.verb == "simulate":
        return False
    if top.startswith("begun"):
        return False  # goes on with it
    if code == 2:
        return case.verb != "tune" or top != "study"  # the study records that a trial failed
    return top in ("inputs", "jets.yaml", "space.yaml") or (top == "store" and case.verb != "ingest")


def states(work: Path) -> dict[str, State]:
    """Return size, time of change and node of each file and folder."""
    found = {}
    for path in work.rglob("*"):
        state = path.lstat()
        about = (0, 0, 0) if path.is_dir() else (state.st_size, state.st_mtime_ns, state.st_ino)
        found[str(path.relative_to(work))] = about
    return found


def restore(good: Path, work: Path) -> None:
    """Make `work` a copy of `good`; most cases change nothing and leave it as it was."""
    global _pristine
    if not _pristine or states(work) != _pristine:
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(good, work)
        _pristine = states(work)
