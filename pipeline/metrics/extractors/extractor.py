"""The base class of feature extractors, and the identity: points are their own features."""

from __future__ import annotations

import abc
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from pipeline.metrics.evaluation.finite import check_finite
from pipeline.metrics.evaluation.placement import device_of, full_precision


class Extractor(nn.Module, abc.ABC):
    """x (N, *event) -> features (N, size) float32."""

    name: str
    """By which params.yaml asks for it."""
    size: int
    architecture: dict[str, Any]
    """The keywords that build it again, without its weights."""
    batch: ClassVar[int] = 512
    """Items that fit in memory at once."""
    stored: ClassVar[bool] = True
    """Whether its weights are stored with the features; else they lie in a file that its architecture names."""

    @property
    def id(self) -> str:
        """The words by which its numbers may be compared."""
        return self.name

    @torch.no_grad()
    def extract(self, x: Tensor, batch: int | None = None) -> Tensor:
        """Features of x, `batch` at a time, on the device of the extractor.

        Args:
            x: (N, *event).

        Returns:
            (N, size), on the CPU.

        Raises:
            FloatingPointError: An item of x or its features are not finite; the message has its index.
        """
        check_finite(x, f"extractor {self.name}: item")
        device = device_of(self)
        with full_precision():
            features = torch.cat([self(part.to(device)).cpu() for part in x.split(batch or self.batch)])
        return check_finite(features, f"extractor {self.name}: the feature vector of item")


class Identity(Extractor):
    """The data themselves, flattened."""

    name = "identity"

    def __init__(self, *, size: int) -> None:
        super().__init__()
        self.size, self.architecture = size, {"size": size}

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1).float()


def identity(dataset: str, x: Tensor, label: Tensor | None) -> Identity:
    """Nothing to fit: x (N, *event) tells the size."""
    return Identity(size=x[0].numel())
