"""Dense layers that narrow to a code and widen again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from pipeline.contract import Event
from pipeline.networks.condition import Context


def dense(sizes: Sequence[int]) -> nn.Sequential:
    """(B, sizes[0]) -> (B, sizes[-1]), a ReLU between any two layers."""
    layers = [layer for a, b in pairwise(sizes) for layer in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


def within(event: Event) -> nn.Module:
    """Keeps an image in [-1, 1]; points are unbounded."""
    return nn.Tanh() if event.kind == "images" else nn.Identity()


class FunnelEncoder(nn.Module):
    """(x (B, *event), context) -> code (B, sizes[-1])."""

    def __init__(self, event: Event, context: int, sizes: Sequence[int], code: nn.Module) -> None:
        super().__init__()
        self.net = nn.Sequential(dense([event.dims + context, *sizes]), code)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        out: Tensor = self.net(torch.cat([x.flatten(1), context.flat()], dim=1))
        return out


class FunnelDecoder(nn.Module):
    """(code (B, sizes[0]), context) -> x (B, *event)."""

    def __init__(self, event: Event, context: int, sizes: Sequence[int]) -> None:
        super().__init__()
        self.net = nn.Sequential(dense([sizes[0] + context, *sizes[1:], event.dims]), within(event))
        self.shape = event.shape

    def forward(self, z: Tensor, context: Context) -> Tensor:
        out: Tensor = self.net(torch.cat([z, context.flat()], dim=1))
        return out.unflatten(1, self.shape)
