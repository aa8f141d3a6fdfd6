"""What an extractor of features is."""

from __future__ import annotations

import abc
from typing import Any, ClassVar

import torch
from torch import Tensor, nn


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
    """Whether its weights are kept beside the features; else they lie in a file that its architecture names."""

    @property
    def id(self) -> str:
        """The words by which its numbers may be compared."""
        return self.name

    @torch.no_grad()
    def extract(self, x: Tensor, batch: int | None = None) -> Tensor:
        """x (N, *event) -> (N, size), `batch` at a time."""
        return torch.cat([self(part) for part in torch.split(x, batch or self.batch)])
