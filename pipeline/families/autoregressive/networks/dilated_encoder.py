"""Dilated-convolution encoder of a condition's map, for causal networks (receptive field 15 x 15).

    h <- h + W_2 silu(W_1 *_d silu(h))       d = 1, 2, 4: a dilated convolution without a mask

A causal network passes the features of a map at one place to later places alone, though p(x_i | x_<i, c) depends on all
of c. This encoder adds features of the 7 places to each side, as the location-dependent term of a conditional PixelCNN
may have (van den Oord et al. 2016, arXiv:1606.05328, section 2.3).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.contract import Condition, Event
from pipeline.networks.condition import Context, Encoder, encoder
from pipeline.networks.layers import zero_init

DILATIONS = (1, 2, 4)


def context_encoder(condition: Condition, event: Event, width: int = 16) -> Encoder:
    """The encoder of a condition's kind; one with a map gets `width` channels of dilated convolutions in addition."""
    inner = encoder(condition, event)
    return DilatedEncoder(inner, event, width) if inner.maps else inner


class DilatedEncoder(Encoder):
    """c (B, *condition) -> Context(vector (B, V), map (B, M + width, H, W))."""

    def __init__(self, inner: Encoder, event: Event, width: int) -> None:
        super().__init__(event)
        self.inner, self.vector, self.maps = inner, inner.vector, inner.maps + width
        self.enter = nn.Conv2d(inner.everywhere, width, 3, padding=1)
        self.blocks = nn.Sequential(*(DilatedResidual(width, dilation) for dilation in DILATIONS))
        self.leave = zero_init(nn.Sequential(nn.SiLU(), nn.Conv2d(width, width, 1)))

    def forward(self, c: Tensor) -> Context:
        context: Context = self.inner(c)
        around = self.leave(self.blocks(self.enter(context.everywhere())))
        return context._replace(map=torch.cat([context.map, around], dim=1))


class DilatedResidual(nn.Module):
    """h + W_2 silu(W_1 *_d silu(h)), (B, n, H, W) -> the same."""

    def __init__(self, n: int, dilation: int) -> None:
        super().__init__()
        self.around, self.out = nn.Conv2d(n, n, 3, padding=dilation, dilation=dilation), nn.Conv2d(n, n, 1)

    def forward(self, h: Tensor) -> Tensor:
        change: Tensor = self.out(F.silu(self.around(F.silu(h))))
        return h + change
