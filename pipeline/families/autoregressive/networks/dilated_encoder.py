"""A map told with what lies around each of its places, for networks that read it place by place.

    h <- h + W_2 silu(W_1 *_d silu(h))       d = 1, 2, 4: a dilated convolution without a mask

A causal stack carries what a map says of a place to later places alone, though p(x_i | x_<i, c) is given all of c.
Here every place hears of all within reach, 7 to each side, before the causal network reads it, as the location-
dependent term of a conditional PixelCNN may (van den Oord et al. 2016, arXiv:1606.05328, section 2.3).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.contract import Condition, Event
from pipeline.networks.condition import Context, Encoder, encoder
from pipeline.networks.layers import silent

DILATIONS = (1, 2, 4)


def surrounded(condition: Condition, event: Event, width: int = 16) -> Encoder:
    """The encoder of a condition's kind; where it has a map, with `width` channels of surroundings beside it."""
    inner = encoder(condition, event)
    return Surrounded(inner, event, width) if inner.maps else inner


class Surrounded(Encoder):
    """c (B, *condition) -> Context(vector (B, V), map (B, M + width, H, W))."""

    def __init__(self, inner: Encoder, event: Event, width: int) -> None:
        super().__init__(event)
        self.inner, self.vector, self.maps = inner, inner.vector, inner.maps + width
        self.enter = nn.Conv2d(inner.everywhere, width, 3, padding=1)
        self.blocks = nn.Sequential(*(Dilated(width, dilation) for dilation in DILATIONS))
        self.leave = silent(nn.Sequential(nn.SiLU(), nn.Conv2d(width, width, 1)))  # at first a place hears of itself

    def forward(self, c: Tensor) -> Context:
        context: Context = self.inner(c)
        around = self.leave(self.blocks(self.enter(context.everywhere())))
        return context._replace(map=torch.cat([context.map, around], dim=1))


class Dilated(nn.Module):
    """A residual block: (B, n, H, W) -> the same."""

    def __init__(self, n: int, dilation: int) -> None:
        super().__init__()
        self.around, self.out = nn.Conv2d(n, n, 3, padding=dilation, dilation=dilation), nn.Conv2d(n, n, 1)

    def forward(self, h: Tensor) -> Tensor:
        change: Tensor = self.out(F.silu(self.around(F.silu(h))))
        return h + change
