"""Encoders and decoders of autoencoders: dense, or convolutional with max pooling and upsampling.

Odd heights and widths are rounded up by pooling, so that no border is lost; upsampling returns to the size before it.
"""

from __future__ import annotations

import math
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
    """Keeps levels in [-1, 1]; real values are unbounded."""
    return nn.Identity() if event.levels is None else nn.Tanh()


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


def pooled(event: Event, halvings: int) -> tuple[int, int]:
    """Height and width after so many halvings."""
    height, width = event.shape[1:]
    return math.ceil(height / 2**halvings), math.ceil(width / 2**halvings)


class PoolingEncoder(nn.Module):
    """(x (B, C, H, W), context) -> code (B, channels[-1] * h * w).

    A convolution for each of `channels`; the first `halvings` are followed by a maximum over 2x2.
    """

    def __init__(self, event: Event, context: int, channels: Sequence[int], halvings: int, code: nn.Module) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for i, (a, b) in enumerate(pairwise([event.shape[0] + context, *channels])):
            layers += [nn.Conv2d(a, b, 3, padding=1), nn.ReLU() if i + 1 < len(channels) else code]
            layers += [nn.MaxPool2d(2, ceil_mode=True)] if i < halvings else []
        self.net = nn.Sequential(*layers, nn.Flatten())

    def forward(self, x: Tensor, context: Context) -> Tensor:
        out: Tensor = self.net(torch.cat([x, context.everywhere()], dim=1))
        return out


class UpsamplingDecoder(nn.Module):
    """(code, context) -> x (B, C, H, W) in [-1, 1]: the mirror, each maximum an upsampling; the context joins last."""

    def __init__(self, event: Event, context: int, channels: Sequence[int], halvings: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for i, (a, b) in reversed(list(enumerate(pairwise([channels[0], *channels])))):
            layers += [nn.Conv2d(b, a, 3, padding=1), nn.ReLU()]
            layers += [nn.Upsample(size=pooled(event, i))] if i < halvings else []
        self.shape = (channels[-1], *pooled(event, min(halvings, len(channels))))
        self.net = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Conv2d(channels[0] + context, event.shape[0], 3, padding=1), nn.Tanh())

    def forward(self, z: Tensor, context: Context) -> Tensor:
        h = self.net(z.unflatten(1, self.shape))
        out: Tensor = self.head(torch.cat([h, context.everywhere()], dim=1))
        return out
