"""Residual generators and critics of images, those of the papers on CIFAR-10.

    generator   z -> map -> [batch norm, relu, double, conv, batch norm, relu, conv] x n -> batch norm, relu, conv, tanh
    critic      x -> [conv, relu, conv, halve] -> [relu, conv, relu, conv, halve] -> the same twice, not halved
                  -> relu -> mean or sum over all places -> score

The critic has no batch normalisation: each score depends on its own item alone. Widths do not change with the size, and
the shortcut of a block that changes the size or the width is a 1 x 1 convolution.

References:
    Gulrajani et al. 2017, arXiv:1704.00028, appendix (128 maps in both players, mean).
    Miyato et al. 2018, arXiv:1802.05957, table 4 (256 maps in the generator, 128 in the critic, sum).
"""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.contract import Event
from pipeline.networks.condition import Context
from pipeline.networks.layers import Joined

Pool = Literal["mean", "sum"]
CRITIC_HALVINGS, CRITIC_PLAIN = 2, 2
"""Blocks of the critic that halve the height and width, and blocks after them that do not."""


class DoublingResidual(nn.Module):
    """h (B, n, H, W) -> (B, n, 2 H, 2 W), normalised over the batch."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.before, self.first = nn.BatchNorm2d(channels), nn.Conv2d(channels, channels, 3, padding=1)
        self.between, self.second = nn.BatchNorm2d(channels), nn.Conv2d(channels, channels, 3, padding=1)
        self.skip = nn.Conv2d(channels, channels, 1)

    def forward(self, h: Tensor) -> Tensor:
        change = self.first(F.interpolate(F.relu(self.before(h)), scale_factor=2))
        out: Tensor = F.interpolate(self.skip(h), scale_factor=2) + self.second(F.relu(self.between(change)))
        return out


class HalvingResidual(nn.Module):
    """h (B, n_in, H, W) -> (B, n_out, H, W), or half the height and width with `halve`; `first` takes the image."""

    def __init__(self, n_in: int, n_out: int, *, halve: bool, first: bool = False) -> None:
        super().__init__()
        self.halve, self.first = halve, first
        self.enter, self.leave = nn.Conv2d(n_in, n_out, 3, padding=1), nn.Conv2d(n_out, n_out, 3, padding=1)
        self.skip = nn.Conv2d(n_in, n_out, 1) if halve or n_in != n_out else nn.Identity()

    def forward(self, h: Tensor) -> Tensor:
        change = self.leave(F.relu(self.enter(h if self.first else F.relu(h))))
        if not self.halve:
            plain: Tensor = self.skip(h) + change
            return plain
        if self.first:  # the mean first, which is the same for a 1 x 1 convolution and costs a quarter
            return F.avg_pool2d(change, 2) + self.skip(F.avg_pool2d(h, 2))
        return F.avg_pool2d(change + self.skip(h), 2)


class ResidualGenerator(nn.Module):
    """(z (B, latent), context) -> x (B, C, H, W): a coarse map of `channels`, doubled in size `halvings` times.

    The context enters at both ends, and the output is scaled as that of `ConvGenerator`. `flat` and `everywhere` are
    the context's widths.
    """

    def __init__(self, event: Event, latent: int, flat: int, everywhere: int, channels: int, halvings: int) -> None:
        super().__init__()
        depth, height, width = event.shape
        self.coarse = (channels, height >> halvings, width >> halvings)
        self.start = Joined(latent, flat, math.prod(self.coarse))
        self.grow = nn.Sequential(*(DoublingResidual(channels) for _ in range(halvings)))
        self.norm = nn.BatchNorm2d(channels)
        self.head = nn.Conv2d(channels + everywhere, depth, 3, padding=1)
        self.limit = event.grid / (event.grid - 1)

    def forward(self, z: Tensor, context: Context) -> Tensor:
        h = F.relu(self.norm(self.grow(self.start(z, context.flat()).unflatten(1, self.coarse))))
        out: Tensor = self.head(torch.cat([h, context.everywhere()], dim=1))
        return self.limit * out.tanh()


class ResidualCritic(nn.Module):
    """(x (B, C, H, W), context) -> (B, 1), by way of `channels` features pooled over all places.

    The context enters as in `ConvCritic`: `maps` are concatenated to the image, and a vector of width `vector` is
    projected onto the features.
    """

    def __init__(self, event: Event, vector: int, maps: int, channels: int, pool: Pool) -> None:
        super().__init__()
        self.pool = pool
        blocks = [HalvingResidual(event.shape[0] + maps, channels, halve=True, first=True)]
        blocks += [HalvingResidual(channels, channels, halve=True) for _ in range(CRITIC_HALVINGS - 1)]
        blocks += [HalvingResidual(channels, channels, halve=False) for _ in range(CRITIC_PLAIN)]
        self.show, self.score = nn.Sequential(*blocks), nn.Linear(channels, 1)
        self.project = nn.Linear(vector, channels, bias=False) if vector else None

    def forward(self, x: Tensor, context: Context) -> Tensor:
        places = F.relu(self.show(torch.cat([x, context.map], dim=1))).flatten(2)  # (B, n, H W)
        h = places.mean(2) if self.pool == "mean" else places.sum(2)
        out: Tensor = self.score(h)
        if self.project is None:
            return out
        return out + (self.project(context.vector) * h).sum(dim=1, keepdim=True) / h.shape[1] ** 0.5
