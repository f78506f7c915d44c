# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A model of your own
#
# You have an idea for a network. It does not have to go into the package: write a function that builds
# it, register it, and name its module in the recipe. Training, evaluation, ONNX, int8, CMSSW and the
# comparison with the built-in models then work as for any other.

# %%
import subprocess


def run(line: str) -> None:
    """Run a command and show what it says, as `!` does in a notebook."""
    done = subprocess.run(line, shell=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(f"$ {line}\n{done.stdout}")
    done.check_returncode()


# %% [markdown]
# ## The function
#
# It takes the shape of an image (channels, height, width) and the number of classes, and its options as
# keywords with defaults: these become options of the recipe and of the command line, with checked types.
# It returns a `torch.nn.Module` that turns images (N, C, H, W) into logits (N, K). What it gets is
# normalised already, as the recipe says; softmax is added behind it.
#
# The example is a transformer whose tokens are **rings** around the seed: all cells at the same distance
# are summed, so that it cannot care about rotations.

# %%
from pathlib import Path

MODULE = """
import torch
from torch import nn

from RecoE2E.ParticleViT import register_model


class Rings(nn.Module):
    \"\"\"Sums of the cells at the same distance from the middle: (N, C, H, W) -> (N, R, C).\"\"\"

    def __init__(self, height: int, width: int, rings: int) -> None:
        super().__init__()
        rows = torch.arange(height).unsqueeze(1) - height // 2
        columns = torch.arange(width).unsqueeze(0) - width // 2
        ring = (rows**2 + columns**2).sqrt().round().long().clamp(max=rings - 1)  # (H, W)
        self.register_buffer("member", nn.functional.one_hot(ring.flatten(), rings).float())  # (H * W, R)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return (images.flatten(2) @ self.member).transpose(1, 2)


class RingTransformer(nn.Module):
    def __init__(self, image, classes, rings, dim, heads, depth):
        super().__init__()
        channels, height, width = image
        self.rings = Rings(height, width, rings)
        self.embed = nn.Linear(channels, dim)
        self.position = nn.Parameter(0.02 * torch.randn(rings, dim))
        layer = nn.TransformerEncoderLayer(dim, heads, 2 * dim, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.head = nn.Linear(dim, classes)

    def forward(self, images):
        tokens = self.embed(self.rings(images)) + self.position  # (N, R, D)
        return self.head(self.encoder(tokens).mean(dim=1))


@register_model
def ring_transformer(image, classes, *, rings: int = 12, dim: int = 24, heads: int = 2, depth: int = 1):
    return RingTransformer(image, classes, rings, dim, heads, depth)
"""
Path("my_models.py").write_text(MODULE)

# %% [markdown]
# The module has to be where Python finds it: in an installed package of yours, or in a folder of
# `PYTHONPATH`.

# %%
import os
import sys

os.environ["PYTHONPATH"] = str(Path.cwd())
sys.path.insert(0, str(Path.cwd()))

# %% [markdown]
# ## Try it before you train
#
# `build_model` tells at once whether the network fits the images, and what it costs.

# %%
import my_models  # noqa: F401  registers the model

from RecoE2E.ParticleViT import build_model, list_models, open_store

run("particlevit simulate electron_photon --events 3000 --seed 1 --output crops.hdf5")
run("particlevit ingest --recipe electron_photon --files crops.hdf5 --output stores/crops")
store = open_store("stores/crops")
network = build_model("ring_transformer", store.image, store.classes, dim=32)
print(f"{network.parameter_count:,} parameters, {network.flops_per_event():,} operations for an image")
assert "ring_transformer" in list_models()

# %% [markdown]
# ## Train it, beside a model of the package
#
# In a recipe, it is `model: {name: ring_transformer, module: my_models, options: {dim: 32}}`; on the
# command line:

# %%
STUDY = "--recipe electron_photon --store stores/crops --training.max_epochs 2 --training.threads 1"
run(f"particlevit train {STUDY} --run runs/rings --model.name ring_transformer --model.module my_models")
run(f"particlevit train {STUDY} --run runs/cnn --model.name reference_cnn --model.options '{{}}'")

# %% [markdown]
# `--against` compares two runs on the same test events, by DeLong's paired test: fluctuations that both
# share drop out. (`particlevit compare` trains several models with the same settings and measures their
# cost, too.)

# %%
run("particlevit evaluate --run runs/rings --against runs/cnn")

# %% [markdown]
# ## Export it
#
# `export` refuses operators that the chosen CMSSW release does not know; `validate` proves that the
# exports give the same scores as the network, also on empty and extreme images. The weights travel with
# the run, but not your code: whoever opens the run with PyTorch needs `my_models`; whoever takes the ONNX
# file does not.

# %%
run("particlevit export --run runs/rings")
run("particlevit validate --run runs/rings")

# %% [markdown]
# Raw images go into either of them, and the same probabilities come out:

# %%
from RecoE2E.ParticleViT import load_run

images = store.read("test", limit=100).images
difference = load_run("runs/rings").predict(images) - load_run("runs/rings", backend="onnx").predict(images)
print(f"largest difference between PyTorch and ONNX: {abs(difference).max():.1e}")
assert abs(difference).max() < 1e-4
