"""A model whose numbers are quick to compute."""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.contract import Exact, GenerativeModel, Player


class Gaussian(GenerativeModel, Exact):
    """Draws around 0, whatever the event."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape

    def players(self) -> tuple[Player, ...]:
        return ()

    def sample(self, c: Tensor) -> Tensor:
        return torch.randn(len(c), *self.shape)

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return -0.5 * x.square().flatten(1).sum(dim=1)
