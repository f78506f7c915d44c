"""Draft a recipe from a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from . import cli


def recipe(from_: str, output: Path | None = None) -> None:
    """Look into a file and draft the recipe that reads it: a start, to be corrected by hand.

    Says what is in the file, guesses fields, images and labels by names and shapes, and tries the draft on
    the first entries. What was guessed stands at the head of the recipe.

    Args:
        from_: File to look into: ROOT, Parquet, HDF5, NumPy, Feather or CSV.
        output: Recipe to write; by default it is printed.
    """
    from ..errors import InputError
    from ..files import atomic_path
    from ..ingest.draft import draft_recipe

    if output is not None and output.exists():
        raise InputError(f"{output}: exists already; remove it or choose another name")
    draft = draft_recipe(from_)
    if output is None:
        cli.say("\n".join(f"# {line}" for line in draft.listing.splitlines()) + f"\n{draft.yaml()}".rstrip())
        return
    with atomic_path(output) as partial:
        partial.write_text(draft.yaml(), encoding="utf-8")
    cli.say("\n".join([draft.listing, *(f"guessed: {guess}" for guess in draft.guesses), f"-> {output}"]))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with the process's arguments, or with these."""
    cli.run(recipe, arguments=arguments)
