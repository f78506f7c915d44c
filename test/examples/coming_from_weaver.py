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
# # Coming from weaver
#
# [weaver-core](https://github.com/hqucms/weaver-core) trains networks on lists of particles; many jet
# taggers of CMS were made with it. If you have a weaver study, you have most of a recipe: this page puts
# both configurations side by side, on the same file, and runs ours.
#
# What is the same: a YAML file, ROOT files in, ONNX and a file of scores out, a normalisation that is
# known. What is not: weaver hands the network the list of particles; here it becomes an **image**, of 32
# x 32 cells around the jet's axis, say. And everything that changes pixels, normalisation included, is
# **part of the network**: ONNX and CMSSW take the raw image, and nothing has to be repeated there.

# %%
import subprocess


def run(line: str) -> None:
    """Run a command and show what it says, as `!` does in a notebook."""
    done = subprocess.run(line, shell=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(f"$ {line}\n{done.stdout}")
    done.check_returncode()


# %% [markdown]
# ## The file
#
# As weaver wants them: jagged branches of particles, flat branches of the jet, and one branch of 0 and 1
# for each class. Signal jets are wider.

# %%
import awkward as ak
import numpy as np
import uproot


def write_jets(path: str, number: int, seed: int) -> None:
    """Write jets of massless particles, with one branch for each class."""
    random = np.random.default_rng(seed)
    counts, signal = random.integers(10, 40, number), random.integers(0, 2, number).astype(np.int32)
    jet = np.repeat(np.arange(number), counts)
    width = np.where(signal == 1, 0.2, 0.15)[jet]
    eta = random.uniform(-1.5, 1.5, number)[jet] + random.normal(0, 1, len(jet)) * width
    phi = random.uniform(-np.pi, np.pi, number)[jet] + random.normal(0, 1, len(jet)) * width
    pt = random.exponential(15.0, len(jet)) + 0.5
    lists = {"part_px": pt * np.cos(phi), "part_py": pt * np.sin(phi), "part_pz": pt * np.sinh(eta)}
    lists["part_energy"] = pt * np.cosh(eta)
    branches = {name: ak.unflatten(values.astype(np.float32), counts) for name, values in lists.items()}
    px, py = ak.sum(branches["part_px"], axis=1), ak.sum(branches["part_py"], axis=1)
    branches |= {"jet_pt": np.hypot(px, py), "label_top": ak.Array(signal), "label_qcd": ak.Array(1 - signal)}
    with uproot.recreate(path) as file:
        file.mktree("tree", {name: ak.type(values).content for name, values in branches.items()})
        file["tree"].extend(branches)


write_jets("train.root", 3000, seed=1)
write_jets("test.root", 500, seed=2)

# %% [markdown]
# ## Side by side
#
# A data configuration of weaver for this file. It is not run here; it is what you would have.

# %%
WEAVER = """
treename: tree
test_time_selection: jet_pt > 200
new_variables:
   part_pt: np.hypot(part_px, part_py)
   part_pt_log: np.log(part_pt)
   part_energy_log: np.log(part_energy)
   part_mask: ak.ones_like(part_energy)
preprocess:
   method: manual
inputs:
   pf_features:
      length: 64
      vars:
         - [part_pt_log, 1.7, 0.7]
         - [part_energy_log, 2.0, 0.7]
   pf_vectors:
      length: 64
      vars: [[part_px, null], [part_py, null], [part_pz, null], [part_energy, null]]
   pf_mask:
      length: 64
      pad_mode: constant
      vars: [[part_mask, null]]
labels:
   type: simple
   value: [label_top, label_qcd]
observers: [jet_pt]
weights:
   use_precomputed_weights: false
   reweight_method: flat
   reweight_vars:
      jet_pt: [50, 150, 250, 400, 1000]
   reweight_classes: [label_top, label_qcd]
"""

# %% [markdown]
# The same study as a recipe:

# %%
RECIPE = """
name: top_from_weaver
classes: [qcd, top]                    # labels.value; the signal comes last
inputs:
  source: particles
  tree: tree                           # treename
  fields:                              # what inputs.*.vars are made of; also pt, eta, phi
    {px: part_px, py: part_py, pz: part_pz, energy: part_energy}
  columns: {pt: jet_pt}                # observers: kept beside the images
  label:
    one_hot: {qcd: label_qcd, top: label_top}   # labels, type simple
image:
  channels:
    - {name: pt, unit: GeV, weight: pt}
    - {name: multiplicity, unit: "1", weight: count}
  height: 32
  width: 32
  eta_half_width: 0.8
  phi_half_width: 0.8
  alignment: [centre, rotate, flip]
  domain: {pt: [200.0, null]}          # test_time_selection: other jets get a status, no score
model:                                 # the network configuration
  name: hybrid_vit
  options: {stem: [8, 16], dim: 16, mlp_dim: 32, heads: 2}
  preprocessing:                       # preprocess; the means are measured, as with method auto
    pt: {fraction: true, transform: sqrt}
    multiplicity: {transform: sqrt}
training:
  batch_size: 64
  max_epochs: 2
  threads: 1
  augmentation:                        # weights
    - {name: reweight, options: {columns: [pt], bins: 5}}
"""

# %% [markdown]
# Both name the same branches, and all of them are in the file:

# %%
from pathlib import Path

import yaml

Path("weaver.yaml").write_text(WEAVER)
Path("study.yaml").write_text(RECIPE)
branches = uproot.open("train.root")["tree"].keys()
weaver = yaml.safe_load(WEAVER)
known = [*branches, *weaver["new_variables"]]
used = [variable[0] for group in weaver["inputs"].values() for variable in group["vars"]]
assert all(name in known for name in [*used, *weaver["labels"]["value"], *weaver["observers"]])

# %% [markdown]
# | weaver | here |
# |---|---|
# | `treename` | `inputs.tree` |
# | `new_variables`, `inputs` | `inputs.fields`: px, py, pz, energy or pt, eta, phi; no expressions |
# | `length`, `pad_mode`, `_mask` | not needed: an image takes any number of particles |
# | centre and scale of a variable | `model.preprocessing`: measured, a part of the network |
# | `labels`, type `simple` | `inputs.label.one_hot`; numbers or words in one branch: `field` and `values` |
# | `observers`, `monitor_variables` | `inputs.columns`; the AUC in bins of pT and eta comes by itself |
# | `selection` | none: cut when you write the file; other labels than `values` are left out |
# | `test_time_selection` | `image.domain`, of pT and abs(eta); measured where you say nothing |
# | `weights`, `reweight_vars` | `training.augmentation`, step `reweight` |
# | `--network-config`, `get_model` | `model.name`, or your function in `model.module` (`new_model.py`) |
# | `weaver --data-train 'train*.root' ...` | `particlevit ingest`, once, then `particlevit train` |
# | `--predict --predict-output pred.root` | `particlevit predict --output scores`: a friend tree |
# | `--export-onnx model.onnx` | `particlevit export`, with the preprocessing inside of the file |
#
# ## Run it
#
# Weaver reads the files anew in each epoch; here `ingest` makes a store once, which all trainings share.

# %%
run("particlevit ingest --recipe study.yaml --files train.root --test-files test.root --output stores/top")
run("particlevit train --recipe study.yaml --store stores/top --run runs/top")

# %% [markdown]
# `weaver --predict` is the reason why many stay with it. Here:

# %%
run("particlevit predict --run runs/top --files test.root --output scores")

# %% [markdown]
# The friend tree has the file's entries in the file's order. There are no observers in it, since every
# branch of the file is there when both are read together:

# %%
from sklearn.metrics import roc_auc_score

events = uproot.open("test.root")["tree"].arrays(["label_top", "jet_pt"], library="np")
scores = uproot.open("scores/test.scores.root")["particlevit"].arrays(library="np")
scored = scores["particlevit_status"] == 0
hardest = events["jet_pt"][~scored].max(initial=0)
print(f"{(~scored).sum()} jets without a score, the hardest of {hardest:.0f} GeV")
auc = roc_auc_score(events["label_top"][scored], scores["particlevit_top"][scored])
print(f"AUC of {scored.sum()} jets: {auc:.3f}")
