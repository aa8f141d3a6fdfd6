"""Dense layers with some of their weights held at zero."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


def mask_b(source: Tensor, target: Tensor) -> Tensor:
    """Sub-pixels (n_in,), (n_out,) -> (n_out, n_in): a sub-pixel sees itself and those before it."""
    return (source <= target[:, None]).float()


class MaskedLinear(nn.Linear):
    """(..., n_in) -> (..., n_out): unit j sees input i where `mask` (n_out, n_in) is 1."""

    mask: Tensor

    def __init__(self, mask: Tensor) -> None:
        super().__init__(mask.shape[1], mask.shape[0])
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.mask, self.bias)
