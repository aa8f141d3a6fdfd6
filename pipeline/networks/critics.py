"""Critics, dense for points and convolutional for images and sequences (DCGAN: Radford et al. 2016, arXiv:1511.06434).

    h <- leaky_relu(W h + b)

A critic is not normalised over the batch: a score depends on its own item alone, as a gradient penalty needs (Gulrajani
et al. 2017, arXiv:1704.00028, section 4). Its leak keeps a gradient where a unit is negative.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from pipeline.contract import Event
from pipeline.networks.condition import Context, Encoder
from pipeline.networks.layers import Fourier, convolution, down

LEAK = 0.2  # DCGAN's
OCTAVES = 3  # of Fourier features in a critic of points: modes are too narrow for a network of the coordinates alone


def critic(event: Event, condition: Encoder, width: int, depth: int, pack: int = 1) -> nn.Module:
    """(x (B, *event), context) -> (B, 1), dense for points and convolutional for images and sequences.

    With a `pack` above 1, `event` and the context hold so many items, joined along their first dimension.
    """
    if event.kind == "points":
        return DenseCritic(event, pack * condition.flat, width, depth, OCTAVES)
    return ConvCritic(event, pack * condition.vector, pack * condition.maps, width, depth)


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
    """(x (B, C, H, W) or (B, C, T), context) -> (B, 1): `channels` at full size, doubled at each of `halvings`, then
    one layer.

    A map is concatenated to the image. With a vector v and features h of the image the score is w h + v' U h
    (projection discriminator: Miyato & Koyama 2018, arXiv:1802.05637). `vector` and `maps` are the context's widths.
    """

    def __init__(self, event: Event, vector: int, maps: int, channels: int, halvings: int) -> None:
        super().__init__()
        depth, *size = event.shape
        axes = len(size)
        layers: list[nn.Module] = [convolution(depth + maps, channels, 3, axes, padding=1), nn.LeakyReLU(LEAK)]
        for i in range(halvings):
            layers += [down(channels << i, channels << (i + 1), axes), nn.LeakyReLU(LEAK)]
        flat = (channels << halvings) * math.prod(length >> halvings for length in size)
        self.show, self.score = nn.Sequential(*layers, nn.Flatten()), nn.Linear(flat, 1)
        self.project = nn.Linear(vector, flat, bias=False) if vector else None

    def forward(self, x: Tensor, context: Context) -> Tensor:
        h = self.show(torch.cat([x, context.map], dim=1))
        out: Tensor = self.score(h)
        if self.project is None:
            return out
        return out + (self.project(context.vector) * h).sum(dim=1, keepdim=True) / h.shape[1] ** 0.5
