"""Two processes with torchrun on this machine (gloo) train like one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import torch

from RecoE2E.ParticleViT.recipe import recipe_yaml
from RecoE2E.ParticleViT.training import train
from RecoE2E.ParticleViT.training.history import read_history

PROGRAM = """
import os, sys
from pathlib import Path
from RecoE2E.ParticleViT.recipe import load_recipe
from RecoE2E.ParticleViT.store import open_store
from RecoE2E.ParticleViT.training import train
from RecoE2E.ParticleViT.training.lightning_module import TrainingModule

if os.environ.get("DIE") and os.environ["RANK"] == "1":
    original = TrainingModule.training_step
    def step(self, batch, batch_idx):
        if self.current_epoch == 1 and batch_idx == 5:
            os._exit(9)
        return original(self, batch, batch_idx)
    TrainingModule.training_step = step
train(load_recipe(sys.argv[1]), open_store(sys.argv[2]), Path(sys.argv[3]))
"""


def torchrun(tmp_path: Path, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    return subprocess.run(
        [*command, str(tmp_path / "program.py"), *map(str, arguments)],
        capture_output=True, text=True, timeout=300, check=False, env={**os.environ, **environment},
    )  # fmt: skip


def test_two_processes_are_like_one(tmp_path, toy_recipe, toy_store):
    recipe = toy_recipe(training__batch_size=60)  # 1000 = 16 * 60 + 40
    (tmp_path / "recipe.yaml").write_text(recipe_yaml(recipe))
    arguments = (tmp_path / "recipe.yaml", toy_store.path, tmp_path / "two")
    dying = torchrun(tmp_path, *arguments, DIE="1")
    assert dying.returncode != 0
    done = torchrun(tmp_path, *arguments)
    assert done.returncode == 0, done.stderr[-3000:]
    train(recipe, toy_store, tmp_path / "one")
    one, two = (read_history(tmp_path / run / "history.csv") for run in ("one", "two"))
    assert [row["epoch"] for row in two] == [1, 2, 3]
    error = 0.035  # of an AUC of 0.7 with 300 events
    assert abs(one[-1]["validation_auc"] - two[-1]["validation_auc"]) < error
    state = torch.load(tmp_path / "two/checkpoints/last.ckpt", weights_only=True)
    assert state["callbacks"]["History"]["images"] == 500  # this rank's half of each epoch
