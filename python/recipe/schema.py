"""One YAML file that says everything about a study: inputs, image, split, model, training, evaluation.

A recipe is read by name (`data/recipes/NAME.yaml`) or by path; dotted overrides come on top.
Every class is one section of the file; each field's docstring is its line of `--help`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..errors import suggest
from .data import Image, Inputs, Split
from .learning import Evaluation, Model, Training, Transform


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
    """Steps on pixels and shape, the first part of the network and of its exports, each {name, options}:
    centre_crop, downsample, l2_normalise, log1p, mini_tier, select_channels, sum_channels, zero_suppress."""
    model: Model = field(default_factory=Model)
    """The network."""
    training: Training = field(default_factory=Training)
    """The training."""
    evaluation: Evaluation = field(default_factory=Evaluation)
    """The evaluation."""

    def problems(self) -> Iterator[str]:
        """Say what the types cannot: what does not make sense or contradicts something else."""
        yield from self.image.problems()
        yield from self._class_problems()
        yield from self.split.problems()
        yield from self._preprocessing_problems()
        yield from self.training.problems()
        yield from self.evaluation.problems()

    def _class_problems(self) -> Iterator[str]:
        if len(set(self.classes)) < max(2, len(self.classes)):
            yield f"classes is {self.classes}; give 2 or more names, each once"
        for name in [*self.inputs.label.values, *self.inputs.label.one_hot, *self.inputs.label.files]:
            if name not in self.classes:
                yield f"inputs.label names class '{name}'; {suggest(name, self.classes)}"
        weights = self.training.class_weights
        if weights and (len(weights) != len(self.classes) or min(weights) < 0):
            yield f"training.class_weights is {weights}; give one of 0 or more for each of {self.classes}"

    def _preprocessing_problems(self) -> Iterator[str]:
        channels = [channel.name for channel in self.image.channels]
        for name, steps in self.model.preprocessing.items():
            if name not in channels:
                yield f"model.preprocessing names channel '{name}'; {suggest(name, channels)}"
            yield from steps.problems()
