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
# # From your own ROOT file to a column of scores
#
# You have a ROOT file with jets, or anything else that is a list of particles, and want to know how well
# an image network tells two kinds of them apart. Five commands, about five minutes of your time: look
# into the file, make images, train, export, score.
#
# Run it in an empty folder, in an environment where the command `particlevit` is there; everything is
# written to the current folder. As a notebook: `jupytext --to ipynb from_own_file.py`, or open it in
# JupyterLab with the jupytext extension.

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
# You have yours already. Here is a stand-in: 3,000 jets of 15 to 40 particles, one half with a single
# core and the other half with two, as of a boosted W. The names of tree and branches are not those of any
# experiment; nothing below depends on them.

# %%
import awkward as ak
import numpy as np
import uproot


def make_jets(number: int, cores: int, random: np.random.Generator) -> dict[str, ak.Array]:
    """Return the branches of jets with one core, or with two at a distance of 0.4."""
    counts = random.integers(15, 40, number)
    jet = np.repeat(np.arange(number), counts)
    angle = random.uniform(0, 2 * np.pi, number)[jet]
    shift = random.choice([-0.2, 0.2], len(jet)) * (cores == 2)
    eta = random.uniform(-1.5, 1.5, number)[jet] + shift * np.sin(angle) + random.normal(0, 0.12, len(jet))
    phi = random.uniform(-3.1, 3.1, number)[jet] + shift * np.cos(angle) + random.normal(0, 0.12, len(jet))
    pt = random.exponential(12.0, len(jet)) + 0.5  # GeV
    lists = {"cand_pt": pt, "cand_eta": eta, "cand_phi": phi}
    branches = {name: ak.unflatten(values.astype(np.float32), counts) for name, values in lists.items()}
    return {**branches, "truth": ak.Array(np.full(number, cores, np.int32))}


def write_jets(path: str, number: int, seed: int) -> None:
    """Write jets of both kinds, in random order."""
    random = np.random.default_rng(seed)
    parts = [make_jets(number // 2, cores, random) for cores in (1, 2)]
    order = random.permutation(number // 2 * 2)
    branches = {name: ak.concatenate([part[name] for part in parts])[order] for name in parts[0]}
    with uproot.recreate(path) as file:
        file.mktree("jets", {name: ak.type(values).content for name, values in branches.items()})
        file["jets"].extend(branches)


write_jets("jets.root", 3000, seed=1)

# %% [markdown]
# ## Look into it
#
# `recipe --from` lists what is in a file and drafts a **recipe** from it: one YAML file that says what
# the file holds, what the images look like, which network is trained and how. What was guessed stands at
# its head.

# %%
run("particlevit recipe --from jets.root --output study.yaml")

# %%
from pathlib import Path

print(Path("study.yaml").read_text())

# %% [markdown]
# The guesses are right: the particles, and that `truth` is the label. What the file cannot know are the
# names of the classes, so we give them. The **signal comes last**: its probability is the score. In an
# editor you would just type; here:

# %%
text = Path("study.yaml").read_text()
Path("study.yaml").write_text(text.replace("truth_1", "one_core").replace("truth_2", "two_cores"))

# %% [markdown]
# ## Make images
#
# `ingest` turns files into a **store**: sparse images, shuffled, dealt to train, validation and test. The
# same recipe reads one file or a thousand (`--files 'data/*.root'`, also `root://`), with `--workers`
# processes.

# %%
run("particlevit ingest --recipe study.yaml --files jets.root --output stores/jets")

# %% [markdown]
# Before you train, look at what you have: `explore` writes one page with spectra, mean images,
# duplicates, and whether the kinematics alone tell the classes apart.

# %%
run("particlevit explore --store stores/jets --output reports/jets")

# %% [markdown]
# ## Train
#
# Every key of the recipe is an option of the command line. A small network and two epochs are enough
# here; leave both options out for the real thing. A training that was stopped continues with the same
# command.

# %%
run(
    "particlevit train --recipe study.yaml --store stores/jets --run runs/jets "
    "--training.max_epochs 2 --training.batch_size 64 --training.threads 1 "
    "--model.options '{cells: 16, dim: 16, mlp_dim: 32}'"
)

# %% [markdown]
# The table has the AUC of each split with its statistical error. Figures are in `runs/jets/plots`, all of
# it on one page in `runs/jets/report.html`.
#
# ## Score files
#
# `export` writes ONNX and TorchScript, with a model card; `predict` scores whole files, here with ONNX
# Runtime. The files need no labels. For each file there is one with the scores, entry by entry.

# %%
write_jets("new.root", 500, seed=2)
run("particlevit export --run runs/jets")
run("particlevit predict --run runs/jets --backend onnx --files new.root --output scores")

# %% [markdown]
# The scores are a **friend tree**: in ROOT, `jets->AddFriend("particlevit", "scores/new.scores.root")`
# and then `jets->Draw("particlevit_two_cores", "particlevit_status == 0")`. In Python:

# %%
from sklearn.metrics import roc_auc_score

scores = uproot.open("scores/new.scores.root")["particlevit"].arrays(library="np")
truth = uproot.open("new.root")["jets"]["truth"].array(library="np")
scored = scores["particlevit_status"] == 0
auc = roc_auc_score(truth[scored] == 2, scores["particlevit_two_cores"][scored])
print(f"{scored.sum()} of {len(truth)} jets have a score; AUC {auc:.3f}")

# %% [markdown]
# A status other than 0 says why a candidate has no score (its score is then -1): outside of the domain of
# the training, nothing to draw, a value that is not finite.
#
# From here: `particlevit COMMAND --help`; `coming_from_weaver.py` if you know weaver; `new_particle.py`
# for images that you make yourself; `new_model.py` for a network of your own; `plugins/README.md` for
# scores in CMSSW.
