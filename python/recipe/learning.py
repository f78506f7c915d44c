"""Sections of a recipe that say what is trained, how, and what is quoted of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

Compression = Literal["none", "sqrt", "log1p"]
Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["32", "16-mixed", "bf16-mixed"]
Optimizer = Literal["adamw", "muon"]
Logger = Literal["csv", "tensorboard", "wandb"]
MOST_PROCESSES = 1024  # and threads


@dataclass
class Preprocessing:
    """Normalisation of one channel, a part of the network and of its exports; applied in this order."""

    threshold: float = 0.0
    """Cells whose absolute value is below become 0 (unit of the channel)."""
    fraction: bool = False
    """Divide by the sum of the channel over the image."""
    transform: Compression = "none"
    """none, sqrt or log1p of the absolute value, keeping the sign."""
    scale: float = 1.0
    """Divide by this (unit of the channel) before the transform."""
    standardise: bool = True
    """Subtract the mean and divide by the standard deviation over the training split."""

    def problems(self) -> Iterator[str]:
        """Say what does not make sense."""
        if self.scale <= 0:
            yield f"model.preprocessing has scale {self.scale}; give a number above 0"


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

    name: str = "sparse_vit"
    """Name of the model: cct, cvt, deep_vit, hybrid_vit, levit, max_vit, moments_mlp, reference_cnn,
    reference_vit, resnet15, rotary_vit, scalable_vit, simple_vit, sparse_vit, vit, vit_for_small_dataset, or
    your own."""
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
    optimizer: Optimizer = "adamw"
    """What makes the steps; muon: Muon for the matrices of transformer blocks, AdamW for the rest."""
    learning_rate: float = 2e-3
    """Largest learning rate, after the warm-up."""
    weight_decay: float = 0.01
    """Weight decay of linear and convolutional layers."""
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
    skip: int = 0
    """Training images to leave out at the start, so that runs with a limit use different ones."""
    validation_limit: int = 0
    """Most validation images to use after each epoch; 0: all."""
    augmentation: list[Transform] = field(default_factory=list)
    """Random steps on training batches only, each {name, options}: disturb, energy_scale, flip_eta,
    flip_phi, gaussian_noise, half_turn, mask_patches, mixup, reweight, roll_phi, rotate, rotate90."""
    start: str = ""
    """Run folder whose best checkpoint the weights start from: of pretrain, or of a training; empty: none."""
    teacher: str = ""
    """Run folder, also of an ensemble, whose probabilities are mixed into the labels; empty: none."""
    teacher_weight: float = 0.5
    """Share of the teacher's probabilities in the labels."""
    layer_decay: float = 1.0
    """Factor on the learning rate for each layer further from the output."""
    freeze_epochs: int = 0
    """First epochs in which only the head is trained."""
    mask_fraction: float = 0.5
    """Fraction that pretraining hides: of the patches; of a sparse_vit's hits, each image at most so many."""
    seed: int = 1
    """Seed of weights, order of events, augmentation and dropout."""
    threads: int = 2
    """Threads of torch."""
    workers: int = 0
    """Processes that read the store beside the training process."""
    device: Device = "auto"
    """Where the network is trained; auto takes a GPU where there is one."""
    precision: Precision = "32"
    """Bits of the numbers that are multiplied; mixed keeps the weights in 32."""
    compile: bool = False
    """Compile the network with torch.compile."""
    logger: Logger = "csv"
    """What is written beside history.csv; csv: nothing else."""

    def problems(self) -> Iterator[str]:
        """Say what does not make sense."""
        for name in ("batch_size", "max_epochs", "accumulate", "threads", "patience"):
            if getattr(self, name) < 1:
                yield f"training.{name} is {getattr(self, name)}; give 1 or more"
        for name in ("threads", "workers"):
            if getattr(self, name) > MOST_PROCESSES:
                yield f"training.{name} is {getattr(self, name)}; give {MOST_PROCESSES} at most"
        for name in (
            "workers",
            "limit",
            "skip",
            "validation_limit",
            "gradient_clip",
            "weight_decay",
            "freeze_epochs",
        ):
            if getattr(self, name) < 0:
                yield f"training.{name} is {getattr(self, name)}; give 0 or more"
        if not 0 <= self.seed < 2**63:
            yield f"training.seed is {self.seed}; give a number from 0 to 2^63 - 1"
        if self.class_weights and not max(self.class_weights) > 0:
            yield f"training.class_weights are {self.class_weights}; give at least one above 0"
        if not self.learning_rate > 0:
            yield f"training.learning_rate is {self.learning_rate}; give a number above 0"
        if not 0 < self.mask_fraction < 1:
            yield f"training.mask_fraction is {self.mask_fraction}; give a number above 0 and below 1"
        if not 0 < self.teacher_weight <= 1:
            yield f"training.teacher_weight is {self.teacher_weight}; give a number above 0, at most 1"
        if not 0 < self.layer_decay <= 1:
            yield f"training.layer_decay is {self.layer_decay}; give a number above 0, at most 1"
        for name in ("warmup_fraction", "label_smoothing", "ema_decay"):
            if not 0 <= getattr(self, name) < 1:
                yield f"training.{name} is {getattr(self, name)}; give a number from 0 to below 1"


@dataclass
class Evaluation:
    """The figures of merit."""

    batch_size: int = 512
    """Images per call."""
    signal_efficiencies: list[float] = field(default_factory=lambda: [0.3, 0.5, 0.8])
    """Where the background rejection is quoted."""
    background_efficiencies: list[float] = field(default_factory=lambda: [0.01, 0.05, 0.1])
    """Working points: thresholds are quoted at these background efficiencies."""

    def problems(self) -> Iterator[str]:
        """Say what does not make sense."""
        if self.batch_size < 1:
            yield f"evaluation.batch_size is {self.batch_size}; give 1 or more"
        for name in ("signal_efficiencies", "background_efficiencies"):
            if not all(0 < target < 1 for target in getattr(self, name)):
                yield f"evaluation.{name} is {getattr(self, name)}; give numbers between 0 and 1"
