"""The command lines of fuzz.py: every option with wrong values, and every file damaged."""

from __future__ import annotations

import json
import random
import shlex
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from fuzz_files import FOLDER, STUDY, TINY, begun, chain

from RecoE2E.ParticleViT.commands import cli
from RecoE2E.ParticleViT.commands.main import VERBS
from RecoE2E.ParticleViT.commands.options import Option, command_options, recipe_options

VALUES = (
    "", " ", "0", "1", "-1", "2.5", "-0.0", "1e400", "nan", "inf", "-inf", "1e-320", "1_000", "0x10", "+3",
    "1e3", "7", "1000000", "2147483648", "9223372036854775807", "18446744073709551616",
    "-9223372036854775809", "true", "none", "null", "~", "[]", "{}", "[1, 2", "{a: 1}", "[[[]]]", "[0]",
    "[-1, -1]", "[null]", "[nan]", "a,b", "*", "?", "[v2]", "..", "/", "/dev/null", "/dev/full",
    "/proc/self/mem", "/proc/x/y", "no such thing", "\u00e4 \u7c92", "\U0001f9ea", "\uff11", "--", "-",
    "a" * 300, "!!python/object", "%s", "%(a)s", "{run}", "${HOME}", "a\nb", "\x7f", "tpu", "cuda", "cpu",
    "CMSSW_1_2_3", "auto", "all", "root://127.0.0.1:9//x.root", "http://127.0.0.1:9/x.root", "127.0.0.1:9",
)  # fmt: skip
"""Values that every option gets."""
PLACES = (
    "{work}", "{work}/run", "{work}/store", "{work}/study", "{work}/scores", "{work}/inputs",
    "{work}/jets.yaml", "{work}/run/recipe.yaml", "{work}/run/checkpoints",
    "{work}/run/checkpoints/best.ckpt", "{work}/run/export", "{work}/run/export/model.onnx",
    "{work}/store/store.json", "{work}/inputs/jets.root", "{work}/inputs/*", "{work}/inputs/images.h5",
    "{work}/inputs/images.npy", "{work}/new/deep/place", "{work}/new.root", "{work}/new.parquet",
    "{work}/new.hdf5", "{work}/new.yaml",
)  # fmt: skip
"""Values for options that name places or have no narrower type: other things that are there, or could be."""
MAPPINGS = (
    "{a: {b: 1}}", "{dim: -1}", "{dim: x}", "{dim: 1000000}", "{heads: 0}", "{heads: 3}", "{stem: []}",
    "{stem: [0]}", "{pt: {transform: log}}", "{pt: {transform: tan}}", "{pt: null}", "{pt: {mean: nan}}",
    "{top: 0, qcd: 0}", "{top: -1}", "{1: 2}", "{null: null}", "{pt: part_pt}", "{px: is_signal}",
    "{pt: [1, 0]}",
)  # fmt: skip
LISTS = (
    "[{name: crop}]", "[{name: crop, options: {size: 0}}]", "[{name: crop, options: {size: [4, 4]}}]",
    "[{}]", "[{name: downsample, options: {factor: 3}}]", "[{name: flip}]",
    "[{name: energy_scale, options: {sigma: -1}}]",
    "[{name: mask_patches, options: {size: 99, fraction: 2}}]", "[{options: 1}]", "[a, b]", "[1, 2, 3]",
    "[crop]", "[{name: reweight, options: {columns: [pt]}}]", "[{name: mixup}]", "[0.1, 0.2, 1.5]",
    "[0, 0]", "[top, qcd]",
)  # fmt: skip
KINDS = ("delete", "empty", "folder", "other", "text", "json", "null", "grow", "unreadable")
TRUNCATED, FLIPS = (1, 10, 50, 90, 99), 12
SLOW = ("tune", "benchmark")
"""Verbs that take seconds: a part of the cases is left out."""
NOT_READ = (".png", ".html", ".pdf", ".gz", ".lock")


class Case(NamedTuple):
    """One command line, and what was done to a file before."""

    kind: str
    """options, pairs, artefacts or stops."""
    verb: str
    words: tuple[str, ...]
    damage: tuple[str, str] | None = None
    """(file, what was done to it), or (signal, share of the command's time after which it comes)."""

    @property
    def line(self) -> str:
        """What a user would have typed."""
        damage = f" after {self.damage[1]} of {self.damage[0]}" if self.damage else ""
        return self.command + damage

    @property
    def command(self) -> str:
        """The command alone."""
        return " ".join(["particlevit", self.verb, *map(repr, self.words)])


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
    """Return the options of a command and of its recipe's sections, as its parser has them."""
    command, sections = captured(verb)
    groups = recipe_options(sections).values()
    return [*command_options(command), *cli.COMMON, *(option for group in groups for option in group)]


def values_of(option: Option, work: Path) -> list[str]:
    """Return what an option is given: for each type more than the values that all get."""
    kind = str(option.kind)
    more: tuple[str, ...] = ()
    if "Path" in kind or "str" in kind:
        more += tuple(place.replace("{work}", str(work)) for place in PLACES)
    if option.is_mapping or "dict" in kind:
        more += MAPPINGS
    if "list" in kind or "tuple" in kind or "Sequence" in kind:
        more += LISTS
    if option.name == "model.name":
        from RecoE2E.ParticleViT import list_models

        more += tuple(list_models())
    return [*VALUES, *more]


def option_cases(source: random.Random, work: Path) -> list[Case]:
    """Return every option of every command with every value."""
    cases = []
    for verb in VERBS:
        for option in options_of(verb):
            for value in values_of(option, work):
                words = source.choice(command_lines(work)[verb])
                cases.append(Case("options", verb, changed(words, option, value)))
        more = ((), ("--no-such-option", "1"), ("word",), ("--help",), *command_lines(work)[verb])
        cases += [Case("options", verb, words) for words in more]
    source.shuffle(cases)
    return cases


def pair_cases(source: random.Random, work: Path, number: int) -> list[Case]:
    """Return command lines with two or three options changed at once."""
    options = {verb: options_of(verb) for verb in VERBS}
    cases = []
    for _ in range(number):
        verb = source.choice(list(VERBS))
        words = source.choice(command_lines(work)[verb])
        for option in source.choices(options[verb], k=source.choice((2, 3))):
            words = changed(words, option, source.choice(values_of(option, work)))
        cases.append(Case("pairs", verb, words))
    return cases


def stop_cases(source: random.Random, work: Path, number: int) -> list[Case]:
    """Return every command line that is in order with each signal at several moments."""
    cases = [
        Case("stops", verb, words, (name, f"{source.uniform(0.05, 0.95):.3f}"))
        for verb, lines in command_lines(work).items()
        for words in dict.fromkeys(lines)
        if not any(word.endswith("nothing") for word in words)
        for name in ("SIGINT", "SIGTERM", "SIGKILL")
        for _ in range(number)
        if verb != "benchmark"  # which is too slow, and writes at its end only
    ]
    source.shuffle(cases)
    return cases


def changed(words: Sequence[str], option: Option, value: str) -> tuple[str, ...]:
    """Return a command line with another value of an option, or with it as a switch."""
    if option.positional:
        return (value, *words[1:])
    kept = list(words)
    if option.flag in kept:
        place = kept.index(option.flag)
        del kept[place : place + 2]
    return (*kept, option.flag, value)


def command_lines(work: Path) -> dict[str, list[tuple[str, ...]]]:
    """Return small command lines of every verb, in order but for files that are not there."""
    store, run, out = (str(work / name) for name in ("store", "run", "out"))
    recipe, nothing = ("--recipe", str(work / "jets.yaml")), str(work / "nothing")
    jets, parquet = (("--files", str(work / f"inputs/jets.{kind}")) for kind in ("root", "parquet"))
    lines: dict[str, list[tuple[str, ...]]] = {
        "simulate": [("electron_photon", "--events", "3", "--output", f"{out}.hdf5")],
        "recipe": [
            ("--from", str(work / f"inputs/{name}")) for name in ("jets.root", "images.h5", "images.npy")
        ],
        "ingest": [(*recipe, *jets, "--output", out), (*recipe, *parquet, "--output", out)],
        "workers": [("slurm", "--port", "0", "--show")],
        "explore": [
            ("--store", store, "--output", out, "--limit", "50"),
            (*recipe, *jets, "--output", out, "--limit", "50"),
        ],
        "pretrain": [
            (
                *recipe,
                "--store",
                store,
                "--run",
                out,
                *TINY,
                "--model.name",
                "sparse_vit",
                "--model.options",
                "{}",
            )
        ],
        "train": [(*recipe, "--store", store, "--run", out, *TINY)],
        "compare": [
            (*recipe, "--store", store, "--run", out, "--models", "hybrid_vit", "--sizes", "64", *TINY)
        ],
        "ensemble": [("--runs", run, "--run", out)],
        "learning_rate": [(*recipe, "--store", store, *TINY)],
        "tune": [
            (*recipe, "--store", store, "--output", out, *STUDY, *TINY),
            *[(*recipe, "--store", store, "--output", out, "--space", nothing, *TINY)]
            * 9,  # ends before the search
        ],
        "evaluate": [("--run", run, "--limit", "20", "--output", out), ("--run", run)],
        "robustness": [("--runs", run, "--limit", "20", "--output", out)],
        "predict": [
            ("--run", run, *jets, "--output", out),
            ("--run", run, *jets, "--output", out, "--backend", "onnx"),
            ("--run", run, *parquet, "--output", f"{out}.parquet", "--backend", "torchscript"),
        ],
        "benchmark": [("--runs", run, "--output", out), *[("--runs", nothing, "--output", out)] * 5],
        "export": [("--run", run)],
        "uncertainty": [("--run", run, "--output", out, "--limit", "20")],
        "explain": [("--run", run, "--output", out, "--events", "1", "--limit", "20", "--sample", "4")],
        "report": [("--run", run, "--card", f"{out}.md")],
        "validate": [("--run", run, "--limit", "20")],
    }
    return {verb: lines[verb] for verb in VERBS}


# ---------------------------------------------------------------- artefacts


def readers(work: Path) -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    """Return the command lines that read the files of each folder: small ones, and those that made it."""
    small = [(verb, words) for verb, lines in command_lines(work).items() for words in lines]
    again = [(verb, tuple(map(str, words))) for verb, words in (*chain(work), *begun(work))]
    wanted = {
        "inputs": ("ingest", "predict", "explore", "recipe"),
        "jets.yaml": ("ingest", "explore", "train"),
        "space.yaml": ("tune",),
        "store": (
            "explore", "train", "evaluate", "validate", "ingest", "robustness", "export", "explain",
            "uncertainty",
        ),
        "run": (
            "evaluate", "validate", "export", "predict", "train", "ensemble", "robustness", "benchmark",
            "explore",
        ),
        "study": ("tune",),
        "scores": ("predict",),
        "begun_store": ("ingest",),
        "begun_scores": ("predict",),
    }  # fmt: skip
    found = {}
    for folder, verbs in wanted.items():
        place = str(work / folder)
        lines = [line for line in [*small, *again] if line[0] in verbs]
        found[folder] = [
            line for line in lines if any(f"{word}/".startswith(f"{place}/") for word in line[1])
        ]
    found["space.yaml"] = [
        (verb, (*words, "--space", str(work / "space.yaml"))) for verb, words in found["study"]
    ]
    return found


def damage_cases(source: random.Random, folder: Path) -> list[Case]:
    """Return every file damaged in every way, under a command that reads it."""
    lines = readers(folder / FOLDER)
    good = folder / "good"
    cases = []
    for file in sorted(path for path in good.rglob("*") if path.is_file() and path.suffix not in NOT_READ):
        name = str(file.relative_to(good))
        path = str(folder / FOLDER / name)
        naming = [line for line in lines[name.split("/")[0]] if path in line[1]]
        kinds = [*KINDS, *(f"truncate {part}" for part in TRUNCATED)]
        kinds += [f"flip {source.random():.6f}" for _ in range(FLIPS)]
        for kind in kinds:
            verb, words = source.choice(naming or lines[name.split("/")[0]])
            if verb not in SLOW or source.random() < 0.2:
                cases.append(Case("artefacts", verb, words, (name, kind)))
    source.shuffle(cases)
    return cases


def failed_cases(path: Path, work: Path) -> list[Case]:
    """Return the cases that failed in an earlier run, from its cases.txt, for the files in `work`."""
    found = []
    for text in path.read_text(encoding="utf-8").splitlines():
        if " s FAULT " not in text:
            continue
        line = text.partition(": particlevit ")[2] or text.rpartition("particlevit ")[2]
        command, _, rest = line.rpartition(" after ") if " after " in line else (line, "", "")
        verb, *words = shlex.split(command)
        place = str(path.parent / work.name)
        words = [word.replace(place, str(work)) for word in words]
        kind, _, name = rest.rpartition(" of ")
        damaged = (name, kind) if rest else None
        family = "stops" if name.startswith("SIG") else "artefacts" if rest else "options"
        found.append(Case(family, verb, tuple(words), damaged))
    return found


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
    elif word == "null":
        path.write_bytes(b"\0" * len(content))
    elif word == "grow":
        path.write_bytes(content + content[: 1 + len(content) // 2])
    elif word == "unreadable":  # for root, whom no permission stops, a link to itself
        path.unlink()
        path.symlink_to(path.name)
    elif word == "truncate":
        path.write_bytes(content[: len(content) * int(number) // 100])
    elif word == "flip" and content:
        place = int(float(number) * 8 * len(content))
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << place % 8
        path.write_bytes(flipped)
