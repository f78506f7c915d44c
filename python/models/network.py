"""The network that is trained, saved and exported: raw images in, probabilities out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .moments import Moments
from .preprocess import Preprocess

if TYPE_CHECKING:
    from ..store import ImageSpec


class Network(nn.Module):
    """Steps on pixels and shape, normalisation, backbone and softmax in one module.

    Attributes:
        steps: the recipe's `transforms`: raw images -> images of the description `seen`.
        preprocess: these images -> normalised images; holds mean and std as buffers.
        backbone: images (N, C, H, W) -> logits (N, K). Its attribute `takes` says which images: "normalised"
            (also where there is no such attribute); "both", normalised and stepped ones, the latter
            zero-suppressed and without the times, which are no amounts; or "raw", stepped and zero-suppressed
            only, and then it has a method fit(batches, is_amount), see `SparseViT.fit`.
        image: description of the raw images; its tier is the one that the steps leave.
        seen: description of the images after the steps.
        classes: names of the K classes.
        name: name of the model in the registry.
        options: options that differ from the model's defaults.
    """

    def __init__(
        self,
        name: str,
        backbone: nn.Module,
        preprocess: Preprocess,
        image: ImageSpec,
        classes: Sequence[str],
        options: dict[str, Any],
        steps: nn.Sequential | None = None,
        seen: ImageSpec | None = None,
    ) -> None:
        super().__init__()
        self.seen = seen or image
        self.steps = steps if steps is not None else nn.Sequential()
        self.preprocess = preprocess
        self.backbone = backbone
        self.name = name
        self.image = dataclasses.replace(image, tier=self.seen.tier)
        self.classes = list(classes)
        self.options = options
        is_amount = 1.0 - torch.tensor(self.seen.of_kind("time")).float().reshape(-1, 1, 1)
        self.register_buffer("is_amount", is_amount, persistent=False)

    def logits(self, image: Tensor) -> Tensor:
        """Return the logits (N, K) of raw images (N, C, H, W)."""
        image = self.steps(image)
        images = [self.preprocess.suppress(image)] if self._takes == "raw" else [self.preprocess(image)]
        if self._takes == "both":
            images.append(self.amounts(image))
        logits: Tensor = self.backbone(*images)
        return logits

    def forward(self, image: Tensor) -> Tensor:
        """Return the probabilities (N, K) of raw images (N, C, H, W) in physical units."""
        return self.logits(image).softmax(dim=-1)

    def fit(self, batches: Callable[[], Iterable[Tensor]]) -> None:
        """Fit what is standardised: the images and, where the backbone has some, their moments.

        Args:
            batches: returns raw images (N, C, H, W) in batches; called once per fit.

        Raises:
            ModelError: there are no images.
        """

        def stepped() -> Iterator[Tensor]:
            for batch in batches():
                yield self.steps(batch)

        self.preprocess.fit(stepped())
        if self._takes == "both":
            for module in self.modules():
                if isinstance(module, Moments):
                    module.fit(self.amounts(batch) for batch in stepped())
        if self._takes == "raw":
            is_amount = self.get_buffer("is_amount").flatten() > 0
            backbone: Any = self.backbone
            backbone.fit(lambda: map(self.preprocess.suppress, stepped()), is_amount)

    @property
    def _takes(self) -> str:
        return getattr(self.backbone, "takes", "normalised")

    def amounts(self, image: Tensor) -> Tensor:
        """Return stepped images (N, C, H, W), zero-suppressed, with 0 in the channels of times."""
        image = self.preprocess.suppress(image)
        return image * self.get_buffer("is_amount") if any(self.seen.of_kind("time")) else image

    @property
    def parameter_count(self) -> int:
        """Number of trainable numbers."""
        return sum(parameter.numel() for parameter in self.parameters() if parameter.requires_grad)

    def flops_per_event(self) -> int:
        """Return the floating-point operations of one image (multiply and add counted apart)."""
        return flops_per_event(self, self.image.shape)


def flops_per_event(network: nn.Module, shape: tuple[int, int, int]) -> int:
    """Return the floating-point operations of one image of `shape` (C, H, W) in matrix products."""
    from torch.utils.flop_counter import FlopCounterMode

    training = network.training
    network.eval()
    device = next(network.parameters()).device
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, *shape, device=device))
    network.train(training)
    return int(counter.get_total_flops())


class Pad(nn.Module):
    """Add rows and columns of 0 on both sides so that a patch or a stride divides the image.

    Args:
        height, width: of the image.
        multiple: what must divide the padded height and width.
        square: make both the same.
    """

    def __init__(self, height: int, width: int, multiple: int, square: bool = False) -> None:
        super().__init__()
        sides = [-(-side // multiple) * multiple for side in (height, width)]
        self.height, self.width = [max(sides)] * 2 if square else sides
        down, right = self.height - height, self.width - width
        self.padding = (right // 2, right - right // 2, down // 2, down - down // 2)

    def forward(self, image: Tensor) -> Tensor:
        """Pad images (N, C, H, W)."""
        return functional.pad(image, self.padding) if any(self.padding) else image


class OneLogit(nn.Module):
    """Two-class logits (0, z) from a backbone with the single output z, as published binary models have it.

    The softmax of (0, z) is (1 - sigmoid(z), sigmoid(z)), so their weights and parameter counts carry over.

    Attributes:
        takes: that of the backbone, see `Network`.
    """

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.takes = getattr(backbone, "takes", "normalised")

    def forward(self, *images: Tensor) -> Tensor:
        """Turn images (N, C, H, W) into logits (N, 2)."""
        return functional.pad(self.backbone(*images), (1, 0))
