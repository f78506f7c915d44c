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
# # A new particle
#
# The package comes with electrons, photons and jets, but nothing in it knows what an electron is. A study
# is a recipe; a new particle is a new class in it. Here: **neutral pions**. A pi0 decays to two photons,
# which at 50 GeV hit crystals so close to each other that they look like one photon: the classic
# background.
#
# We make images of pi0 ourselves, write them in a layout of our own, and train a network on three
# classes.

# %%
import subprocess


def run(line: str) -> None:
    """Run a command and show what it says, as `!` does in a notebook."""
    done = subprocess.run(line, shell=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(f"$ {line}\n{done.stdout}")
    done.check_returncode()


# %% [markdown]
# ## Images of a new particle
#
# Start from simulated photons and electrons: crops of 32 x 32 crystals around the highest one, in the
# layout of the public files (energies over 50 GeV).

# %%
run("particlevit simulate electron_photon --events 6000 --seed 1 --output simulated.hdf5")

# %% [markdown]
# A toy pi0 is two photons that share the energy, one or two crystals apart. That is no simulation to
# publish with; yours would come from CMSSW, with the same few lines of recipe.

# %%
import h5py
import numpy as np

random = np.random.default_rng(1)
with h5py.File("simulated.hdf5") as file:
    energy = file["X"][..., 0] * 50.0  # GeV
    is_electron = file["y"][:] == 1
photons, electrons = energy[~is_electron], energy[is_electron]


def make_pions(photons: np.ndarray) -> np.ndarray:
    """Return images of two photons each, at a distance of one or two crystals, with the energy of one."""
    first, second = photons[0::2], photons[1::2]
    share = random.uniform(0.2, 0.8, len(second)).astype(np.float32)[:, np.newaxis, np.newaxis]
    moved = [np.roll(image, random.choice([-2, -1, 1, 2]), random.integers(0, 2)) for image in second]
    return share * first[: len(second)] + (1 - share) * np.array(moved)


third = len(photons) // 3
pions = make_pions(photons[: 2 * third])
images = np.concatenate([photons[2 * third :], electrons[:third], pions])
names = ["photon"] * (len(photons) - 2 * third) + ["electron"] * third + ["pi0"] * len(pions)
order = random.permutation(len(images))
with h5py.File("particles.hdf5", "w") as file:
    file["crops"] = images[order]  # (N, 32, 32), GeV
    file["particle"] = np.array(names, dtype="S8")[order]
print(f"{len(images)} images: {len(photons) - 2 * third} photons, {third} electrons, {len(pions)} pi0")

# %% [markdown]
# ## The recipe
#
# Three things are new to the package: the names of the data sets, the classes, and words as labels. Each
# takes a line. Where the second photon has more energy than the first, the highest crystal is not in the
# middle any more: `ingest` would notice, and stop; `recentre` shifts those images.

# %%
from pathlib import Path

RECIPE = """
name: pions
classes: [electron, photon, pi0]
inputs:
  source: images
  fields: {image: crops}
  label:
    field: particle
    values: {electron: [electron], photon: [photon], pi0: [pi0]}
  recentre: true
image:
  channels:
    - {name: energy, unit: GeV, kind: energy}
  height: 32
  width: 32
  seed: [16, 16]
  tier: full
model:
  name: hybrid_vit
  options: {stem: [8, 16], dim: 16, mlp_dim: 32, heads: 2}
  preprocessing:
    energy: {threshold: 0.001, transform: log1p}
training: {batch_size: 64, max_epochs: 2, threads: 1}
"""
Path("pions.yaml").write_text(RECIPE)
run("particlevit ingest --recipe pions.yaml --files particles.hdf5 --output stores/pions")

# %% [markdown]
# A picture is worth a look: the mean images of the classes, read back from the store.

# %%
import matplotlib.pyplot as plt

from RecoE2E.ParticleViT import open_store

store = open_store("stores/pions")
batch = store.read("train")
figure, panels = plt.subplots(1, 3, figsize=(12, 4), layout="constrained")
for k, (panel, name) in enumerate(zip(panels, store.classes, strict=True)):
    mean = batch.images[batch.labels == k, 0].mean(axis=0)
    panel.imshow(np.log10(mean + 1e-4), origin="lower")
    panel.set(title=name, xlabel="column (phi)", ylabel="row (eta)")
figure.savefig("mean_images.png")

# %% [markdown]
# ## Train and look
#
# With more than two classes the AUC is the mean of each class against the rest; every class has its own
# ROC curve, and there is a confusion matrix (`runs/pions/plots/confusion.png`).

# %%
run("particlevit train --recipe pions.yaml --store stores/pions --run runs/pions")

# %%
from RecoE2E.ParticleViT import load_run

test = store.read("test")
probabilities = load_run("runs/pions").predict(test.images)  # (N, 3), in the order of the classes
for k, name in enumerate(store.classes):
    means = probabilities[test.labels == k].mean(axis=0)
    parts = [f"{other} {mean:.2f}" for other, mean in zip(store.classes, means, strict=True)]
    print(f"{name:>9}: {', '.join(parts)}")
assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)

# %% [markdown]
# ## What else is there to do?
#
# Nothing, for training and for scores of files. To have the new class in CMSSW: export the run, put
# `model.onnx` and `model.json` into your package, and give the producer that path. It reads classes,
# channels and seed from `model.json`, and makes the value maps of all classes (`plugins/README.md`, "Your
# own model").
