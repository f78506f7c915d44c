"""Mistakes of every kind, made by the thousand: no traceback, no hang, nothing lost.

Options: every option of every command, taken from the parsers themselves, with wrong types, extremes, names
and places; also several at once. Artefacts: every file of inputs, a store, a run, a study and scores,
finished or not, deleted, emptied, truncated, bit-flipped, replaced by something else or by the same file of
another run. After each case the exit code is 0, 1 or 2, an error is one line that begins with `error: `, no
library has left a warning, no command half a file, and what was there before is unharmed.

Run: python test/fuzz.py FOLDER [--cases N] [--seed N] [--only KIND] [--verb VERB] [--results FILE.csv]
FOLDER keeps the files that it makes, and cases.txt with every case; without --cases, all are run.

"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import logging
import multiprocessing
import os
import random
import re
import resource
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))

from fuzz_cases import Case, damage, damage_cases, option_cases, pair_cases
from fuzz_files import FOLDER, make_files
from results import add_rows

from RecoE2E.ParticleViT.commands.main import VERBS

SECONDS = 60
"""After which, on an idle machine, a case is asked to end by SIGTERM."""
GRACE = 20
"""Seconds that it then has to end with 143."""
MEMORY = 6 << 30
"""Bytes of data that a case may have."""
PAIRS = 1000
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
    """Run a case in a process of its own that this one forks, on a fresh copy of the files."""
    work = folder / FOLDER
    restore(folder / "good", work)
    if case.damage is not None:
        name, kind = case.damage
        damage(work / name, kind, folder / "other" / name)
    before = states(work)
    log = folder / "log.txt"
    begin = time.monotonic()
    child = os.fork()
    if child == 0:
        _in_child(case, work, log)
    code = _wait(child)
    seconds = time.monotonic() - begin
    text = log.read_text(encoding="utf-8", errors="replace")
    return Outcome(case, code, seconds, text, _fault(case, code, text, work, before))


def _in_child(case: Case, work: Path, log: Path) -> None:
    """Run the command; never return."""
    code = 99
    try:
        os.setsid()
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
        try:
            import_module(f"RecoE2E.ParticleViT.commands.{case.verb}").main(list(case.words))
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _wait(child: int) -> int:
    """Return the exit code of a process, -1 where it hangs, and minus the signal where one ended it."""
    load = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    for number, seconds in ((signal.SIGTERM, SECONDS), (signal.SIGKILL, GRACE)):
        end = time.monotonic() + seconds * load
        while time.monotonic() < end:
            found, status = os.waitpid(child, os.WNOHANG)
            if found:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child, signal.SIGKILL)  # what it may have left behind
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.01)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, number) if number == signal.SIGKILL else os.kill(child, number)
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


def choose(folder: Path, seed: int, number: int, only: str, verb: str) -> list[Case]:
    """Return the cases to run: all, or a sample in which each kind has its share."""
    source = random.Random(seed)
    work = folder / FOLDER
    kinds = {
        "options": option_cases(source, work),
        "pairs": pair_cases(source, work, PAIRS),
        "artefacts": damage_cases(source, folder),
    }
    cases = [[one for one in kinds[kind] if verb in ("", one.verb)] for kind in kinds if only in ("", kind)]
    total = sum(map(len, cases))
    shares = [len(some) if number == 0 else -(-len(some) * number // total) for some in cases]
    return [one for some, share in zip(cases, shares, strict=True) for one in some[:share]]


def summarise(outcomes: list[Outcome]) -> list[dict[str, object]]:
    """Return one row per command and kind of case."""
    rows: list[dict[str, object]] = []
    for verb in VERBS:
        for kind in ("options", "pairs", "artefacts"):
            some = [one for one in outcomes if one.case.verb == verb and one.case.kind == kind]
            codes = Counter(one.code for one in some)
            if some:
                row: dict[str, object] = {"verb": verb, "kind": kind, "cases": len(some)}
                row |= {f"exit_{code}": codes[code] for code in (0, 1, 2, 143)}
                row |= {"failures": sum(bool(one.fault) for one in some)}
                rows.append(row | {"seconds": round(sum(one.seconds for one in some), 1)})
    return rows


def main() -> int:
    """Make the files, run the cases, and return the number of faults."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cases", type=int, default=0, help="number of cases; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", choices=("options", "pairs", "artefacts"))
    parser.add_argument("--verb", default="", choices=tuple(VERBS))
    parser.add_argument("--results", type=Path, help="table that receives a row per command")
    words = parser.parse_args()
    folder = words.folder.resolve()
    if not (folder / "good").exists():
        maker = multiprocessing.get_context("spawn").Process(target=make_files, args=(folder,))
        maker.start()
        maker.join()
    for name in ("deployment", "evaluation", "exploration", "inference.prediction", "training.run"):
        import_module(f"RecoE2E.ParticleViT.{name}")  # once, not in every case
    cases = choose(folder, words.seed, words.cases, words.only, words.verb)
    gc.collect()
    gc.freeze()  # else each child copies the memory that its collector looks at
    outcomes = []
    for case in cases:
        one = run_case(case, folder)
        outcomes.append(one)
        text = f"{'FAULT ' + one.fault if one.fault else 'ok'}: {case.line}"
        with (folder / "cases.txt").open("a", encoding="utf-8") as file:
            last = (one.text.strip().splitlines() or [""])[-1]
            file.write(f"{one.code} {one.seconds:.1f} s {text}\n    {last}\n")
        if one.fault:
            say(text)
    rows, codes = summarise(outcomes), dict(sorted(Counter(one.code for one in outcomes).items()))
    if words.results is not None:
        add_rows(words.results, rows, repetitions=1)
    faults = sum(bool(one.fault) for one in outcomes)
    seconds = sum(one.seconds for one in outcomes)
    say(f"{len(outcomes)} cases in {seconds:.0f} s, exit codes {codes}: {faults} failures")
    return faults


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
