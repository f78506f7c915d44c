"""Let a network learn from events without labels; `train --start` goes on from it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import cli

if TYPE_CHECKING:
    from ..recipe import Recipe
    from ..store import Store

PICTURES = 4


def pretrain(
    store: Path, run: Path, recipe: str = "top_tagging", overrides: dict[str, Any] | None = None
) -> None:
    """Hide cells of images from a network, which learns to tell where they were and what they held.

    A sparse_vit loses single cells, a vit or reference_vit patches (the masked autoencoder of vit-pytorch).

    Labels are not read; a store may lack them. RUN/report.html shows images beside what the network expects.
    `train --start RUN` goes on from it. The same command continues what was stopped, at any moment.

    Args:
        store: Folder of images that scripts/ingest.py wrote.
        run: Folder of the results.
        recipe: Name of a built-in recipe, or a YAML file.
        overrides: Keys of the recipe, in place of the file's.
    """
    from ..recipe import load_recipe
    from ..store import open_store
    from ..training import pretrain as learn
    from .checks import check_study

    events = open_store(store)
    study = load_recipe(recipe, overrides)
    check_study(study, events.info.columns)
    learn(study, events, run)
    cli.say(f"{write_page(study, events, run)}: report")


def write_page(recipe: Recipe, store: Store, run: Path) -> Path:
    """Write RUN/report.html: the history, and images beside what the network sees and expects."""
    import torch

    from ..report.figure import figure
    from ..report.page import Page
    from ..run_folder import RunFolder
    from ..training.history import read_history
    from ..training.pretraining import read_pretrained

    folder, page = RunFolder(run), Page(f"Pretraining {run.resolve().name}")
    network, decoder = read_pretrained(folder.best_checkpoint)
    page.mapping({"store": store.info.name, "images": store.image.text, "hidden": decoder.fraction})
    rows = read_history(folder.history_file)
    page.table(("epoch", "loss", "validation AUC of hidden cells"),
               [(int(row["epoch"]), row["train_loss"], row["validation_auc"]) for row in rows])  # fmt: skip
    images = torch.from_numpy(store.read("validation", PICTURES).images)
    pictures = decoder.picture(network, images, torch.Generator().manual_seed(recipe.training.seed))
    for number, one in enumerate(zip(*pictures, strict=True)):
        path = folder.plots / f"hidden_{number}.png"
        with figure(path, recipe.name, columns=len(one)) as axes:
            for axis, picture, title in zip(axes, one, ("image", "seen", "expected"), strict=True):
                axis.imshow(picture.sqrt(), origin="lower", vmin=0, cmap="viridis", aspect="auto")
                axis.set(xlabel=f"column ({title})", ylabel="row")
        page.figure(path, "Root of the signal: image, what is seen, what is expected", wide=True)
    page.write(folder.report_file)
    return folder.report_file


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command with the process's arguments, or with these."""
    cli.run(pretrain, ("image", "transforms", "model", "training"), arguments)
