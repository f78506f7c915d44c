from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pytest

from RecoE2E.ParticleViT.commands import cli, session
from RecoE2E.ParticleViT.errors import InputError, RecipeError
from RecoE2E.ParticleViT.recipe import Transform, load_recipe


def command(
    store: Path,
    limit: int = 3,
    words: Sequence[str] = (),
    on_disk: bool = False,
    kind: Literal["a", "b"] = "a",
    overrides: dict[str, Any] | None = None,
) -> None:
    """Do something.

    Args:
        store: Where.
        limit: How many.
        words: Which.
        on_disk: Whether.
        kind: How.
        overrides: Keys of the recipe.
    """
    if limit == 0:
        raise InputError("a\nb")
    if limit == 1:
        raise KeyboardInterrupt
    cli.say(f"{store} {limit} {overrides}")


def test_options_arrive_with_their_types():
    words = ["--store", "s", "--training.max_epochs=4", "--model.options.dim", "8", "--model.name", "vit"]
    assert cli.parse(command, ("model", "training"), words) == {
        "store": Path("s"),
        "overrides": {"training.max_epochs": 4, "model.options": {"dim": 8}, "model.name": "vit"},
    }


def test_lists_are_words_and_switches_have_no_value():
    words = ["--store", "s", "--on-disk", "--words", "a", "b", "--words", "c", "--no-training.compile"]
    words += ["--training.class_weights", "1", "2.5"]
    assert cli.parse(command, ("training",), words) == {
        "store": Path("s"),
        "words": ["a", "b", "c"],
        "on_disk": True,
        "overrides": {"training.compile": False, "training.class_weights": [1.0, 2.5]},
    }


def test_what_a_recipe_says_of_a_channel_is_kept_beside_an_override():
    words = ["--store", "s", "--model.preprocessing.energy", "{scale: 3.5}"]
    found = cli.parse(command, ("model",), words)["overrides"]
    before, after = (
        load_recipe("electron_photon", given).model.preprocessing["energy"] for given in ({}, found)
    )
    assert after == dataclasses.replace(before, scale=3.5)


def test_a_list_of_the_recipe_is_an_option():
    words = ["--store", "s", "--transforms", "[{name: downsample, options: {factor: 2}}]"]
    found = cli.parse(command, ("transforms", "training"), words)["overrides"]
    recipe = load_recipe("top_tagging", found)
    assert recipe.transforms == [Transform("downsample", {"factor": 2})]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--stor", "s"], "unknown option '--stor'; did you mean '--store'"),
        (["--store", "s", "--training.seeed", "1"], "did you mean '--training.seed'"),
        (["--store", "s", "--limit", "x"], "--limit: expected int, found x"),
        (["--store", "s", "--kind", "c"], "--kind: expected one of 'a', 'b', found c"),
        (["--store", "s", "--on-disk", "true"], "unexpected word true"),
        (["--store", "s", "--training.seed", "x"], "--training.seed: expected int, found x"),
        (["--store", "s", "--transforms", "["], "unknown option '--transforms'"),
        (
            ["--store", "s", "--model.preprocessing.pt.scale", "1"],
            "give --model.preprocessing.pt '{scale: VALUE}'",
        ),
        (["--store"], "--store: expected one argument"),
        (["--limit", "3"], "--store is missing: Where."),
    ],
)
def test_wrong_options_are_named(words, message):
    with pytest.raises(RecipeError, match=re.escape(message)):
        cli.parse(command, ("model", "training"), words)


def test_a_users_mistake_is_one_line_and_exit_code_2(capsys):
    with pytest.raises(SystemExit) as end:
        cli.run(command, arguments=["--store", "s", "--limit", "0"])
    assert end.value.code == 2
    assert capsys.readouterr().err == "error: a b\n"


def test_an_interrupt_says_how_to_go_on(capsys):
    with pytest.raises(SystemExit) as end:
        cli.run(command, arguments=["--store", "s", "--limit", "1"])
    assert end.value.code == session.INTERRUPTED
    assert "continues" in capsys.readouterr().err


def test_fragments_and_names_need_no_torch():
    code = "import sys, RecoE2E.ParticleViT as p; dir(p); assert 'torch' not in sys.modules, 'torch'"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_name_of_the_package():
    import RecoE2E.ParticleViT as package

    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = package.nothing_like_it
