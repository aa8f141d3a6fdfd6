"""Generators whose layers are normalised over the batch.

    h <- relu(normalise(W h + b))

While it trains, the whole batch shapes each item, so that a batch cannot shrink to one point (Ioffe & Szegedy 2015,
arXiv:1502.03167; in a generator: Radford et al. 2016, DCGAN, arXiv:1511.06434).
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from pipeline.contract import Event
from pipeline.networks.condition import Context
from pipeline.networks.conv import up
from pipeline.networks.mlp import Joined


class DenseGenerator(nn.Module):
    """(z (B, latent), context) -> x (B, *event)."""

    def __init__(self, event: Event, latent: int, context: int, width: int, depth: int) -> None:
        super().__init__()
        sizes = [latent + context] + [width] * depth
        hidden = [layer for a, b in pairwise(sizes) for layer in (nn.Linear(a, b), nn.BatchNorm1d(b), nn.ReLU())]
        self.shape, self.net = event.shape, nn.Sequential(*hidden, nn.Linear(sizes[-1], event.dims))

    def forward(self, z: Tensor, context: Context) -> Tensor:
        out: Tensor = self.net(torch.cat([z, context.flat()], dim=1))
        return out.unflatten(1, self.shape)


class ConvGenerator(nn.Module):
    """(z (B, latent), context) -> x (B, C, H, W): a coarse map doubled; the context joins at both ends.

    A tanh reaches to the far ends of the outermost bins, where the jittered data end too.
    `flat` and `everywhere` are the context's widths; `channels` at full size, doubled at each of `halvings`.
    """

    def __init__(self, event: Event, latent: int, flat: int, everywhere: int, channels: int, halvings: int) -> None:
        super().__init__()
        depth, height, width = event.shape
        coarse = (channels << halvings, height >> halvings, width >> halvings)
        self.start = Joined(latent, flat, math.prod(coarse))
        layers: list[nn.Module] = [nn.Unflatten(1, coarse)]
        for i in reversed(range(halvings)):
            layers += [nn.BatchNorm2d(channels << (i + 1)), nn.ReLU(), up(channels << (i + 1), channels << i)]
        self.grow = nn.Sequential(*layers, nn.BatchNorm2d(channels), nn.ReLU())
        self.head = nn.Conv2d(channels + everywhere, depth, 3, padding=1)
        self.reach = event.grid / (event.grid - 1)

    def forward(self, z: Tensor, context: Context) -> Tensor:
        h = self.grow(self.start(z, context.flat()))
        out: Tensor = self.head(torch.cat([h, context.everywhere()], dim=1))
        return self.reach * out.tanh()
