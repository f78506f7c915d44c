"""Mistakes of every kind, made by the thousand: no traceback, no hang, nothing lost.

Options: every option of every command, taken from the parsers themselves, with wrong types, extremes, names.
Artefacts: every file of a run and of a store deleted, emptied, truncated, bit-flipped, replaced by a folder,
by something else or by the same file of another run. After each case the exit code is 0, 1 or 2, an error is
one line that begins with `error: `, and a command that failed has changed neither run nor store.

Run: python test/fuzz.py FOLDER [--cases N] [--seed N] [--only options]; FOLDER keeps the files that it makes.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import logging
import multiprocessing
import os
import random
import shutil
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from RecoE2E.ParticleViT.commands import cli
from RecoE2E.ParticleViT.commands.main import VERBS
from RecoE2E.ParticleViT.commands.options import Option, command_options, recipe_options

SECONDS = 60
"""After which a case hangs."""
VALUES = (
    "", " ", "0", "1", "-1", "2.5", "-0.0", "1e400", "nan", "inf", "18446744073709551616", "true", "none",
    "-9223372036854775809", "null", "~", "[]", "{}", "[1, 2", "{a: 1}", "[[[]]]", "a,b", "*", "?", "[v2]",
    "..", "/", "/dev/null", "/proc/self/mem", "/proc/x/y", "no such thing", "\u00e4 \u7c92", "\U0001f9ea",
    "--", "-", "a" * 300, "!!python/object", "%s", "{run}", "a\nb", "tpu", "cuda", "CMSSW_1_2_3",
    "root://127.0.0.1:9//x.root", "http://127.0.0.1:9/x.root",
)  # fmt: skip
READ_ONLY = ("evaluate", "validate", "export", "robustness", "benchmark", "explore", "predict", "ensemble")


class Case(NamedTuple):
    """One command line, and what was done to the files before."""

    verb: str
    words: tuple[str, ...]
    damage: tuple[str, str] | None = None
    """(file, kind)."""


class Outcome(NamedTuple):
    """What a case ended with; `fault` is empty where that is in order."""

    case: Case
    code: int
    text: str
    fault: str


# ---------------------------------------------------------------- options


def captured(verb: str) -> tuple[Any, tuple[str, ...]]:
    """Return the function and the recipe's sections that a verb gives to `cli.run`."""
    found: list[Any] = []
    module = import_module(f"RecoE2E.ParticleViT.commands.{verb}")
    original = cli.run

    def keep(command: Any, sections: Any = (), arguments: Any = None) -> None:
        found[:] = [command, tuple(sections)]

    cli.run = keep  # type: ignore[assignment]
    try:
        module.main([])
    finally:
        cli.run = original  # type: ignore[assignment]
    return found[0], found[1]


def options_of(verb: str) -> list[Option]:
    """Return the options of a command and of its recipe's sections."""
    command, sections = captured(verb)
    groups = recipe_options(sections).values()
    return [*command_options(command), *(option for group in groups for option in group)]


def option_cases(source: random.Random, folder: Path) -> list[Case]:
    """Return every option of every command with every value, in an order that the seed decides."""
    valid = valid_words(folder)
    cases = []
    for verb in VERBS:
        for option in options_of(verb):
            for value in VALUES:
                words = (value,) if option.positional else (option.flag, value)
                cases.append(Case(verb, (*without(valid[verb], option.flag), *words)))
        cases += [Case(verb, ()), Case(verb, ("--no-such-option", "1")), Case(verb, ("word",))]
    source.shuffle(cases)
    return cases


def without(words: tuple[str, ...], flag: str) -> tuple[str, ...]:
    """Return the words of a command line without an option and its value."""
    if flag not in words:
        return words
    place = words.index(flag)
    return words[:place] + words[place + 2 :]


def valid_words(folder: Path) -> dict[str, tuple[str, ...]]:
    """Return a small command line of every verb that is in order."""
    store, run, out = str(folder / "work/store"), str(folder / "work/run"), str(folder / "work/out")
    tiny = ("--training.max_epochs", "1", "--training.limit", "64", "--training.threads", "1")
    recipe = ("--recipe", str(folder / "small.yaml"))
    known = {
        "simulate": ("electron_photon", "--events", "3", "--output", f"{out}.hdf5"),
        "ingest": (*recipe, "--files", str(folder / "no.h5"), "--output", out),
        "explore": ("--store", store, "--output", out, "--limit", "50"),
        "train": (*recipe, "--store", store, "--run", out, *tiny),
        "compare": (*recipe, "--store", store, "--run", out, "--models", "nothing", *tiny),
        "ensemble": ("--runs", run, "--run", out),
        "learning_rate": (*recipe, "--store", store, *tiny),
        "tune": (*recipe, "--store", store, "--output", out, "--trials", "1", *tiny),
        "evaluate": ("--run", run, "--limit", "40", "--output", out),
        "robustness": ("--runs", run, "--limit", "20", "--output", out),
        "predict": ("--run", run, "--files", str(folder / "no.h5"), "--output", out),
        "benchmark": ("--runs", run, "--output", out),
        "export": ("--run", run),
        "workers": ("slurm", "--port", "0", "--show"),
        "validate": ("--run", run, "--limit", "20"),
    }
    return {verb: known.get(verb, ()) for verb in VERBS}


# ---------------------------------------------------------------- artefacts


def damage_cases(source: random.Random, folder: Path) -> list[Case]:
    """Return every file of the run and the store, damaged in every way, under the commands that read it."""
    valid = valid_words(folder)
    files = [path for path in sorted((folder / "good").rglob("*")) if path.is_file()]
    files = [path for path in files if "plots" not in path.parts and path.suffix != ".html"]
    kinds = ["delete", "empty", "folder", "other", "text", "json"]
    kinds += [f"truncate {part}" for part in (1, 10, 50, 90, 99)]
    kinds += [f"flip {source.random():.6f}" for _ in range(12)]
    cases = []
    for file in files:
        name = str(file.relative_to(folder / "good"))
        for kind in kinds:
            verb = source.choice(
                ("evaluate",) * 3 + ("validate", "explore", "train", "robustness") * 2 + ("export",)
            )
            cases.append(Case(verb, valid[verb], (name, kind)))
    source.shuffle(cases)
    return cases


def damage(path: Path, kind: str, other: Path) -> None:
    """Damage one file."""
    word, _, number = kind.partition(" ")
    content = path.read_bytes()
    if word in ("delete", "folder"):
        path.unlink()
    if word == "folder":
        path.mkdir()
    elif word == "empty":
        path.write_bytes(b"")
    elif word == "other":
        path.write_bytes(other.read_bytes() if other.is_file() else b"another")
    elif word == "text":
        path.write_text("hello\n")
    elif word == "json":
        path.write_text(json.dumps({"format_version": 1, "schema_version": 2}))
    elif word == "truncate":
        path.write_bytes(content[: len(content) * int(number) // 100])
    elif word == "flip" and content:
        place = int(float(number) * 8 * len(content))
        changed = bytearray(content)
        changed[place // 8] ^= 1 << place % 8
        path.write_bytes(changed)


# ---------------------------------------------------------------- running


def run_case(case: Case, folder: Path) -> Outcome:
    """Run a case in a process of its own that this one forks, with fresh copies of run and store."""
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(folder / "good", work)
    if case.damage is not None:
        name, kind = case.damage
        damage(work / name, kind, folder / "other" / name)
    before = digest(work) if case.verb in READ_ONLY else ""
    log = folder / "log.txt"
    child = os.fork()
    if child == 0:
        _in_child(case, folder, log)
    code = _wait(child)
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    return Outcome(case, code, text, _fault(case, code, text, before, work))


def _in_child(case: Case, folder: Path, log: Path) -> None:
    """Run the command; never return."""
    code = 99
    try:
        os.setsid()
        os.chdir(folder / "work")
        with log.open("w", encoding="utf-8") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
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
            code = 98
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _wait(child: int) -> int:
    """Return the exit code of a process, -1 where it hangs, and minus the signal where one ended it."""
    for _ in range(SECONDS * 20):
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -1


def _fault(case: Case, code: int, text: str, before: str, work: Path) -> str:
    if code == -1:
        return f"hangs for {SECONDS} s"
    if "Traceback (most recent call last)" in text or code == 98:
        return f"traceback: {text.strip().splitlines()[-1][:150]}"
    if code not in (0, 1, 2):
        return f"exit code {code}"
    if code == 2 and not text.strip().splitlines()[-1].startswith("error: "):
        return "exit code 2 without a line that begins with error:"
    if code == 2 and before and digest(work) != before:
        return "a command that failed changed the run or the store"
    return ""


def digest(work: Path) -> str:
    """Return a checksum of the run's and the store's files, without what is only drawn."""
    total = hashlib.sha256()
    for path in sorted([*(work / "run").rglob("*"), *(work / "store").rglob("*")]):
        if path.is_file() and path.suffix not in (".png", ".html"):
            total.update(f"{path} {path.stat().st_size}".encode() + path.read_bytes())
    return total.hexdigest()


def main() -> int:
    """Make the files, run the cases, and return the number of faults."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cases", type=int, default=2400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="options or artefacts")
    words = parser.parse_args()
    folder = words.folder.resolve()
    if not (folder / "small.yaml").exists():
        shutil.rmtree(folder, ignore_errors=True)
        maker = multiprocessing.get_context("spawn").Process(target=make_files, args=(folder,))
        maker.start()
        maker.join()
    for name in ("deployment", "evaluation", "exploration", "inference.prediction", "training"):
        import_module(f"RecoE2E.ParticleViT.{name}")  # once, not in every case
    for verb in VERBS:
        import_module(f"RecoE2E.ParticleViT.commands.{verb}")
    source = random.Random(words.seed)
    options, damages = option_cases(source, folder), damage_cases(source, folder)
    half = words.cases // 2
    chosen = {"": [*options[: words.cases - min(half, len(damages))], *damages[:half]]}
    chosen |= {"options": options[: words.cases], "artefacts": damages[: words.cases]}
    outcomes = []
    for case in chosen[words.only]:
        begin = time.monotonic()
        one = run_case(case, folder)
        outcomes.append(one)
        line = " ".join(["particlevit", case.verb, *map(repr, case.words)])
        text = f"{'FAULT ' + one.fault if one.fault else 'ok'}: {line} {case.damage or ''}"
        with (folder / "cases.txt").open("a", encoding="utf-8") as file:
            file.write(f"{one.code} {time.monotonic() - begin:.1f} s {text}\n")
        if one.fault:
            say(text)
    faults = sum(bool(one.fault) for one in outcomes)
    codes = dict(sorted(Counter(one.code for one in outcomes).items()))
    say(f"{len(outcomes)} cases, exit codes {codes}: {faults} faults")
    return faults


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def make_files(folder: Path) -> None:
    """Make a small store and an evaluated, exported run on it, twice: what commands work on, and another."""
    import yaml
    from make_small import RECIPE, make_small_run, make_small_store

    from RecoE2E.ParticleViT.deployment import export_run
    from RecoE2E.ParticleViT.evaluation import evaluate_run

    warnings.simplefilter("ignore")
    for name, seed in (("other", 2), ("good", 1)):
        run = make_small_run(make_small_store(folder / "work/store", seed), folder / "work/run", seed)
        evaluate_run(run)
        export_run(run)
        (folder / "work").rename(folder / name)
    (folder / "small.yaml").write_text(yaml.safe_dump(RECIPE))


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
