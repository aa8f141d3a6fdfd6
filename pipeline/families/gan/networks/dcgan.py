"""Generators and critics, dense for points and convolutional for images (DCGAN: Radford et al. 2016, arXiv:1511.06434).

    generator   h <- relu(normalise(W h + b))
    critic      h <- leaky_relu(W h + b)

The generator is normalised over the batch: while it trains each item depends on the whole batch, which keeps a batch
from collapsing to one point (Ioffe & Szegedy 2015, arXiv:1502.03167). The critic is not: a score depends on its own
item alone, as a gradient penalty needs (Gulrajani et al. 2017, arXiv:1704.00028, section 4). Its leak keeps a gradient
where a unit is negative.
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
from pipeline.networks.layers import Fourier, Joined, down, up


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
    """(z (B, latent), context) -> x (B, C, H, W): a coarse map, doubled in size `halvings` times.

    The context enters at both ends. The output is a tanh scaled to the outer ends of the outermost bins, the range of
    the jittered data.
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
        self.limit = event.grid / (event.grid - 1)

    def forward(self, z: Tensor, context: Context) -> Tensor:
        h = self.grow(self.start(z, context.flat()))
        out: Tensor = self.head(torch.cat([h, context.everywhere()], dim=1))
        return self.limit * out.tanh()


LEAK = 0.2  # DCGAN's

Network = TypeVar("Network", bound=nn.Module)


class DenseCritic(nn.Module):
    """(x (B, *event), context) -> (B, 1), by way of `octaves` of Fourier features of x."""

    def __init__(self, event: Event, context: int, width: int, depth: int, octaves: int) -> None:
        super().__init__()
        self.embed = Fourier(octaves)
        sizes = [self.embed.width(event.dims) + context] + [width] * depth
        hidden = [layer for a, b in pairwise(sizes) for layer in (nn.Linear(a, b), nn.LeakyReLU(LEAK))]
        self.net = nn.Sequential(*hidden, nn.Linear(sizes[-1], 1))

    def forward(self, x: Tensor, context: Context) -> Tensor:
        out: Tensor = self.net(torch.cat([self.embed(x.flatten(1)), context.flat()], dim=1))
        return out


class ConvCritic(nn.Module):
    """(x (B, C, H, W), context) -> (B, 1): `channels` at full size, doubled at each of `halvings`, then one layer.

    A map is concatenated to the image. With a vector v and features h of the image the score is w h + v' U h
    (projection discriminator: Miyato & Koyama 2018, arXiv:1802.05637). `vector` and `maps` are the context's widths.
    """

    def __init__(self, event: Event, vector: int, maps: int, channels: int, halvings: int) -> None:
        super().__init__()
        depth, height, width = event.shape
        layers: list[nn.Module] = [nn.Conv2d(depth + maps, channels, 3, padding=1), nn.LeakyReLU(LEAK)]
        for i in range(halvings):
            layers += [down(channels << i, channels << (i + 1)), nn.LeakyReLU(LEAK)]
        flat = (channels << halvings) * (height >> halvings) * (width >> halvings)
        self.show, self.score = nn.Sequential(*layers, nn.Flatten()), nn.Linear(flat, 1)
        self.project = nn.Linear(vector, flat, bias=False) if vector else None

    def forward(self, x: Tensor, context: Context) -> Tensor:
        h = self.show(torch.cat([x, context.map], dim=1))
        out: Tensor = self.score(h)
        if self.project is None:
            return out
        return out + (self.project(context.vector) * h).sum(dim=1, keepdim=True) / h.shape[1] ** 0.5


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
        if isinstance(layer, nn.Linear | nn.Conv2d):
            spectral_norm(layer)
    return network
