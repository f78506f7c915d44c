"""Mistakes of every kind, made by the thousand: no traceback, no hang, nothing lost.

Options: every option of every command, taken from the parsers themselves, with wrong types, extremes, names
and places; also several at once. Artefacts: every file of inputs, a store, a run, a study and scores,
finished or not, deleted, emptied, truncated, bit-flipped, replaced by something else or by the same file of
another run. Stops: every command ended somewhere on its way by Ctrl-C, SIGTERM or kill -9, and run again.
After each case the exit code is 0, 1 or 2, an error is one line that begins with `error: `, no library has
left a warning, no command half a file, and what was there before is unharmed.

Run: python test/fuzz.py FOLDER [--cases N] [--seed N] [--only KIND] [--verb VERB] [--again CASES.txt]
[--results FILE.csv]
FOLDER keeps the files that it makes, and cases.txt with every case; without --cases, all are run.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import multiprocessing
import random
import signal
import sys
from collections import Counter
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))

from fuzz_cases import (
    Case,
    captured,
    damage_cases,
    failed_cases,
    option_cases,
    pair_cases,
    stop_cases,
)
from fuzz_files import FOLDER, make_files
from fuzz_run import Outcome, run_case
from results import add_rows

from RecoE2E.ParticleViT.commands import cli
from RecoE2E.ParticleViT.commands.main import VERBS
from RecoE2E.ParticleViT.errors import ParticleViTError

PAIRS, STOPS = 1000, 12
KINDS = {"options": 0.78, "pairs": 0.05, "artefacts": 0.15, "stops": 0.02}
"""Kinds of cases, and their shares in a sample."""


STOPPED = (130, 143, -9)
"""Exit codes of Ctrl-C, SIGTERM, and kill -9."""


def choose(folder: Path, seed: int, number: int, only: str, verb: str) -> list[Case]:
    """Return the cases to run: all, or a sample in which each kind has its share."""
    source = random.Random(seed)
    work = folder / FOLDER
    kinds = {
        "options": option_cases(source, work),
        "pairs": pair_cases(source, work, PAIRS),
        "artefacts": damage_cases(source, folder),
        "stops": stop_cases(source, work, STOPS),
    }
    chosen = []
    for kind, share in KINDS.items():
        some = [one for one in kinds[kind] if verb in ("", one.verb)] if only in ("", kind) else []
        chosen += some[: round(number * (1 if only else share))] if number else some
    source.shuffle(chosen)
    return chosen


def summarise(outcomes: list[Outcome]) -> list[dict[str, object]]:
    """Return one row per command and kind of case."""
    rows: list[dict[str, object]] = []
    for verb in VERBS:
        for kind in KINDS:
            some = [one for one in outcomes if one.case.verb == verb and one.case.kind == kind]
            codes = Counter(one.code for one in some)
            if some:
                row: dict[str, object] = {"verb": verb, "kind": kind, "cases": len(some)}
                row |= {f"exit_{code}": codes[code] for code in (0, 1, 2)}
                row |= {"stopped": sum(codes[code] for code in STOPPED)}
                row |= {"failures": sum(bool(one.fault) for one in some)}
                rows.append(row | {"seconds": round(sum(one.seconds for one in some), 1)})
    return rows


def warm_up() -> None:
    """Import what the commands need, and make their parsers, once and not in every case."""
    for name in ("deployment", "evaluation", "exploration", "inference.prediction", "training.run"):
        import_module(f"RecoE2E.ParticleViT.{name}")
    for verb in VERBS:
        with contextlib.suppress(ParticleViTError):
            cli.parse(*captured(verb), [])


def main() -> int:
    """Make the files, run the cases, and return the number of faults."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cases", type=int, default=0, help="number of cases; 0: all")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a background job ignores
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", choices=tuple(KINDS))
    parser.add_argument("--verb", default="", choices=tuple(VERBS))
    parser.add_argument("--again", type=Path, help="cases.txt of an earlier run: those that failed in it")
    parser.add_argument("--results", type=Path, help="table that receives a row per command")
    words = parser.parse_args()
    folder = words.folder.resolve()
    if not (folder / "good").exists():
        maker = multiprocessing.get_context("spawn").Process(target=make_files, args=(folder,))
        maker.start()
        maker.join()
    warm_up()
    if words.again is not None:
        cases = failed_cases(words.again, folder / FOLDER)
    else:
        cases = choose(folder, words.seed, words.cases, words.only, words.verb)
    gc.collect()
    gc.freeze()  # else each child copies the memory that its collector looks at
    outcomes: list[Outcome] = []
    with contextlib.suppress(KeyboardInterrupt):  # which ends it early, with what was run
        for case in cases:
            outcomes.append(run_case(case, folder))
            report(outcomes[-1], folder / "cases.txt")
    rows, codes = summarise(outcomes), dict(sorted(Counter(one.code for one in outcomes).items()))
    if words.results is not None:
        add_rows(words.results, rows, repetitions=1)
    faults = sum(bool(one.fault) for one in outcomes)
    seconds = sum(one.seconds for one in outcomes)
    say(f"{len(outcomes)} cases in {seconds:.0f} s, exit codes {codes}: {faults} failures")
    return faults


def report(one: Outcome, path: Path) -> None:
    """Add a case to the list of all, and print it where it failed."""
    text = f"{'FAULT ' + one.fault if one.fault else 'ok'}: {one.case.line}"
    last = (one.text.strip().splitlines() or [""])[-1]
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{one.code} {one.seconds:.1f} s {text}\n    {last}\n")
    if one.fault:
        say(text)


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
