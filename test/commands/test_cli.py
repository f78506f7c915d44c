from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from RecoE2E.ParticleViT.commands import cli
from RecoE2E.ParticleViT.errors import InputError, RecipeError
from RecoE2E.ParticleViT.recipe import Transform, load_recipe

SCRIPTS = sorted((Path(__file__).resolve().parents[2] / "scripts").glob("*.py"))


def command(store: Path, limit: int = 3, overrides: dict[str, Any] | None = None) -> None:
    """Do something.

    Args:
        store: Where.
        limit: How many.
    """
    if limit == 0:
        raise InputError("a\nb")
    if limit == 1:
        raise KeyboardInterrupt
    cli.say(f"{store} {limit} {overrides}")


def test_options_arrive_with_their_types():
    words = ["--store", "s", "--training.max_epochs=4", "--model.options.dim", "8", "--model.name", "vit"]
    assert cli.parse(command, ("model", "training"), arguments=words) == {
        "store": Path("s"),
        "limit": 3,
        "overrides": {"training.max_epochs": 4, "model.options": {"dim": 8}, "model.name": "vit"},
    }


def test_a_list_of_the_recipe_is_an_option():
    words = ["--store", "s", "--transforms", "[{name: downsample, options: {factor: 2}}]"]
    found = cli.parse(command, ("transforms", "training"), arguments=words)["overrides"]
    recipe = load_recipe("top_tagging", found)
    assert recipe.transforms == [Transform("downsample", {"factor": 2})]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--stor", "s"], "unknown option '--stor'; did you mean '--store'"),
        (["--store", "s", "--training.seeed", "1"], "did you mean '--training.seed'"),
        (["--store", "s", "--limit", "x"], "limit"),
        ([], "store"),
    ],
)
def test_wrong_options_are_named(words, message):
    with pytest.raises(RecipeError, match=message):
        cli.parse(command, ("training",), arguments=words)


def test_a_users_mistake_is_one_line_and_exit_code_2(capsys):
    with pytest.raises(SystemExit) as end:
        cli.run(command, arguments=["--store", "s", "--limit", "0"])
    assert end.value.code == 2
    assert capsys.readouterr().err == "error: a b\n"


def test_an_interrupt_says_how_to_go_on(capsys):
    with pytest.raises(SystemExit) as end:
        cli.run(command, arguments=["--store", "s", "--limit", "1"])
    assert end.value.code == cli.INTERRUPTED
    assert "continues" in capsys.readouterr().err


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_help_imports_nothing_heavy(path):
    command = [sys.executable, "-X", "importtime", str(path), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "usage:" in done.stdout
    for module in ("torch", "lightning", "uproot", "matplotlib", "onnx"):
        assert f" {module}\n" not in done.stderr, f"{path.name} --help imports {module}"


def test_fragments_and_names_need_no_torch():
    code = "import sys, RecoE2E.ParticleViT as p; dir(p); assert 'torch' not in sys.modules, 'torch'"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_name_of_the_package():
    import RecoE2E.ParticleViT as package

    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = package.nothing_like_it
