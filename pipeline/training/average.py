"""Exponential moving average of a model's weights (Polyak & Juditsky 1992): what is validated, saved and scored.

    a <- a + (1 - d_n) (w - a),    d_n = min(d, (1 + n) / (10 + n))

The decay d_n rises from 0.1, so that the first, random weights are forgotten.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from pipeline.contract import GenerativeModel


class Average:
    """Follows `source`; `model` is its averaged copy, in evaluation mode."""

    def __init__(self, source: GenerativeModel, decay: float) -> None:
        self.model, self.decay, self.updates = copy.deepcopy(source).eval().requires_grad_(False), decay, 0
        self._ours: list[Tensor] = list(self.model.parameters())
        self._theirs: list[Tensor] = list(source.parameters())
        self._buffers = list(zip(self.model.buffers(), source.buffers(), strict=True))

    @torch.no_grad()
    def update(self) -> None:
        self.updates += 1
        decay = min(self.decay, self.updates / (10 + self.updates))
        torch._foreach_lerp_(self._ours, self._theirs, 1 - decay)
        for ours, theirs in self._buffers:
            ours.copy_(theirs)

    def state(self) -> dict[str, Tensor]:
        """A copy of the averaged weights."""
        return {name: value.clone() for name, value in self.model.state_dict().items()}
