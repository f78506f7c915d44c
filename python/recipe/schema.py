"""One YAML file that says everything about a study: inputs, image, split, model, training, evaluation.

A recipe is read by name (`data/recipes/NAME.yaml`) or by path; dotted overrides come on top.
Every class here is one section of the file; each field's docstring is its line of `--help`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["energy", "momentum", "time", "count"]
Tier = Literal["full", "reduced", "mini", "particles"]
TrackPosition = Literal["vertex", "ecal", "none"]
JetSeed = Literal["depth1", "sum", "none"]


@dataclass
class Label:
    """Where an event's class comes from."""

    field: str | None = None
    """Branch or column that holds the label; null when the file name decides."""
    values: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    """For each class, the values of `field` that mean it; others are not selected."""
    files: dict[str, str] = dataclasses.field(default_factory=dict)
    """For each class, a part of the file name (case-insensitive) that means it."""
    unlabelled: bool = False
    """The events have no labels: the store can be scored, but not trained on."""


@dataclass
class Inputs:
    """What the files of the user hold."""

    source: str = "particles"
    """Kind of file content: particles, images, rhtree, delphes, pfnano, ispy."""
    tree: str = "Events"
    """Name of the TTree or RNTuple in ROOT files."""
    fields: dict[str, str] = field(default_factory=dict)
    """What the source needs -> name of the branch or column, for example px -> part_px."""
    columns: dict[str, str] = field(default_factory=dict)
    """Columns to keep beside the image -> name of the branch or column."""
    label: Label = field(default_factory=Label)
    """The label."""
    options: dict[str, Any] = field(default_factory=dict)
    """Options of the source, such as layout, scale factors or the least pt."""
    recentre: bool = False
    """Shift the images of files whose highest cell lies elsewhere than image.seed, which are else refused."""


@dataclass
class Channel:
    """One channel of the image."""

    name: str
    """Name of the channel."""
    unit: str = "GeV"
    """Physical unit of its cells (GeV, ns, or 1 for counts)."""
    kind: Kind | None = None
    """energy, momentum, time or count; null: of particles what `weight` says, else energy."""
    particles: str = "all"
    """Which particles fill it: all, charged, photon, neutral_hadron."""
    weight: str = "pt"
    """What each of them adds: pt, energy or count."""


@dataclass
class Image:
    """Shape and content of the images."""

    channels: list[Channel] = field(default_factory=list)
    """The channels, in order."""
    height: int = 32
    """Rows, along eta."""
    width: int = 32
    """Columns, along phi."""
    eta_half_width: float = 0.8
    """Half of the window in eta, for particle lists."""
    phi_half_width: float = 0.8
    """Half of the window in phi (rad), for particle lists."""
    alignment: list[str] = field(default_factory=list)
    """Per-jet alignment of particle lists, in order: centre, rotate, flip."""
    seed: list[int] = field(default_factory=list)
    """Row and column of the seed cell, [16, 16] in a crop of 32 x 32; empty: [height // 2, width // 2]."""
    tier: Tier | None = None
    """Hits that the cells are made of: full, reduced, mini; null: particles of particle lists, else full."""
    track_position: TrackPosition | None = None
    """Where tracks are put: vertex, ecal, none; null: vertex of particle lists, else none."""
    jet_seed: JetSeed = "none"
    """How jets find their tower: depth1 (highest hit of depth 1), sum (of all depths), none (no jets)."""
    domain: dict[str, list[float | None]] = field(default_factory=dict)
    """Range of use, pt, abs_eta or seed_rows -> [least, largest] (null: open); ingest measures the others."""


@dataclass
class Split:
    """How events are dealt to the splits, by a hash of (source, entry, seed)."""

    train: float = 0.8
    """Fraction for training."""
    validation: float = 0.1
    """Fraction for model selection."""
    test: float = 0.1
    """Fraction for the final test."""
    seed: int = 42
    """Seed of the hash."""


@dataclass
class Preprocessing:
    """Normalisation of one channel, a part of the network and of its exports; applied in this order."""

    threshold: float = 0.0
    """Cells whose absolute value is below become 0 (unit of the channel)."""
    fraction: bool = False
    """Divide by the sum of the channel over the image."""
    transform: str = "none"
    """none, sqrt or log1p of the absolute value, keeping the sign."""
    scale: float = 1.0
    """Divide by this (unit of the channel) before the transform."""
    standardise: bool = True
    """Subtract the mean and divide by the standard deviation over the training split."""


@dataclass
class Transform:
    """One step, of the network (`transforms`) or of training batches only (`training.augmentation`)."""

    name: str
    """Name of the transform."""
    options: dict[str, Any] = field(default_factory=dict)
    """Its options."""


@dataclass
class Model:
    """The network."""

    name: str = "hybrid_vit"
    """One of list_models()."""
    module: str | None = None
    """Python module to import first, whose models register themselves, such as my_package.my_models."""
    options: dict[str, Any] = field(default_factory=dict)
    """Options of the model, such as dim or depth."""
    preprocessing: dict[str, Preprocessing] = field(default_factory=dict)
    """Normalisation by channel name."""


@dataclass
class Training:
    """The training run."""

    batch_size: int = 256
    """Images per step."""
    max_epochs: int = 12
    """Most passes over the training split."""
    learning_rate: float = 2e-3
    """Largest learning rate, after the warm-up."""
    weight_decay: float = 0.01
    """Weight decay of AdamW."""
    warmup_fraction: float = 0.1
    """Fraction of all steps over which the learning rate rises."""
    label_smoothing: float = 0.0
    """Label smoothing of the cross entropy."""
    class_weights: list[float] = field(default_factory=list)
    """Weight of each class in the loss; empty: all 1."""
    gradient_clip: float = 1.0
    """Largest norm of the gradient; 0 switches clipping off."""
    accumulate: int = 1
    """Batches per optimiser step."""
    ema_decay: float = 0.0
    """Decay per step of the moving average of the weights that is evaluated; 0 switches it off."""
    patience: int = 5
    """Epochs without a better validation AUC before training stops."""
    limit: int = 0
    """Most training images to use; 0: all."""
    augmentation: list[Transform] = field(default_factory=list)
    """Transforms of training batches only."""
    seed: int = 1
    """Seed of weights, order of events, augmentation and dropout."""
    threads: int = 2
    """Threads of torch."""
    workers: int = 0
    """Processes that read the store beside the training process."""
    device: str = "auto"
    """auto, cpu or cuda."""
    precision: str = "32"
    """32, 16-mixed or bf16-mixed."""
    compile: bool = False
    """Compile the network with torch.compile."""
    logger: str = "csv"
    """Logger beside history.csv: csv (none), tensorboard or wandb."""


@dataclass
class Evaluation:
    """The figures of merit."""

    batch_size: int = 512
    """Images per call."""
    signal_efficiencies: list[float] = field(default_factory=lambda: [0.3, 0.5, 0.8])
    """Where the background rejection is quoted."""
    background_efficiencies: list[float] = field(default_factory=lambda: [0.01, 0.05, 0.1])
    """Working points: thresholds are quoted at these background efficiencies."""


@dataclass
class Recipe:
    """A whole study."""

    name: str
    """Name of the study."""
    classes: list[str]
    """Class names; where there are two, the signal last."""
    inputs: Inputs = field(default_factory=Inputs)
    """The input files."""
    image: Image = field(default_factory=Image)
    """The images."""
    split: Split = field(default_factory=Split)
    """The splits."""
    transforms: list[Transform] = field(default_factory=list)
    """Steps on pixels and shape, the first part of the network and of its exports; see models/steps.py."""
    model: Model = field(default_factory=Model)
    """The network."""
    training: Training = field(default_factory=Training)
    """The training."""
    evaluation: Evaluation = field(default_factory=Evaluation)
    """The evaluation."""
