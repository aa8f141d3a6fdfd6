"""Generators, dense for points and convolutional for others (DCGAN: Radford et al. 2016, arXiv:1511.06434).

    h <- relu(normalise(W h + b))

The generator is normalised over the batch: while it trains each item depends on the whole batch, which keeps a batch
from collapsing to one point (Ioffe & Szegedy 2015, arXiv:1502.03167). The critics are in
`pipeline/networks/critics.py`. Here is what a game may do with one: score several items at once, or normalise its
weights.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from pipeline.contract import Event
from pipeline.networks.condition import Context
from pipeline.networks.layers import Joined, convolution, up


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
    """(z (B, latent), context) -> x (B, C, H, W) or (B, C, T): a coarse map, doubled in size `halvings` times.

    The context enters at both ends. Of levels the output is a tanh scaled to the outer ends of the outermost bins, the
    range of the jittered data; real values are unbounded.
    `flat` and `everywhere` are the context's widths; `channels` at full size, doubled at each of `halvings`.
    """

    def __init__(self, event: Event, latent: int, flat: int, everywhere: int, channels: int, halvings: int) -> None:
        super().__init__()
        depth, *size = event.shape
        axes, coarse = len(size), (channels << halvings, *(length >> halvings for length in size))
        normalised = nn.BatchNorm1d if axes == 1 else nn.BatchNorm2d
        self.start = Joined(latent, flat, math.prod(coarse))
        layers: list[nn.Module] = [nn.Unflatten(1, coarse)]
        for i in reversed(range(halvings)):
            layers += [normalised(channels << (i + 1)), nn.ReLU(), up(channels << (i + 1), channels << i, axes)]
        self.grow = nn.Sequential(*layers, normalised(channels), nn.ReLU())
        self.head = convolution(channels + everywhere, depth, 3, axes, padding=1)
        self.limit = event.levels / (event.levels - 1) if event.levels else None

    def forward(self, z: Tensor, context: Context) -> Tensor:
        h = self.grow(self.start(z, context.flat()))
        out: Tensor = self.head(torch.cat([h, context.everywhere()], dim=1))
        return out if self.limit is None else self.limit * out.tanh()


Network = TypeVar("Network", bound=nn.Module)


class Packed(nn.Module):
    """(x (B, *event), context) -> (B // m, 1): the network scores m items at once, each with its own context.

    Items are joined along their first dimension: m D values of points, m C channels of images (Lin et al. 2018,
    arXiv:1712.04086). B is a multiple of m.
    """

    def __init__(self, network: nn.Module, count: int) -> None:
        super().__init__()
        self.network, self.count = network, count

    def forward(self, x: Tensor, context: Context) -> Tensor:
        out: Tensor = self.network(self._join(x), Context(self._join(context.vector), self._join(context.map)))
        return out

    def _join(self, items: Tensor) -> Tensor:
        return items.unflatten(0, (len(items) // self.count, self.count)).flatten(1, 2)  # (B // m, m ., ...)


def normalise_spectrally(network: Network) -> Network:
    """Divide the weight of each layer by its largest singular value, estimated by power iteration while training.

    Miyato et al. 2018, arXiv:1802.05957; a convolution's weight is the matrix (out, in * height * width).
    """
    for layer in list(network.modules()):
        if isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d):
            spectral_norm(layer)
    return network
