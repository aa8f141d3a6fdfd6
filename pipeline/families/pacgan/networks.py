"""The networks of PacGAN's experiments (Lin et al. 2018, arXiv:1712.04086, appendix), as the authors' code has them.

Points: a generator of batch-normalised rectified layers, and a critic of maxout layers (Goodfellow et al. 2013,
arXiv:1302.4389)

    h <- max_k (W_k h + b_k),    k = 1 .. 5

Images: DCGAN (Radford et al. 2016, arXiv:1511.06434) with 5 x 5 kernels of stride 2, batch-normalised in both players.
All weights start from N(0, .02²), all biases at 0.
"""

from __future__ import annotations

import math
from itertools import pairwise

from torch import Tensor, nn

DEVIATION = 0.02
"""Of the initial weights."""
LEAK = 0.2
KERNEL, MARGIN = 5, 2
"""Height and width of the convolutions in pixels, and the zeros at each side, so that a stride of 2 halves and rounds
up."""


def initialised(network: nn.Module) -> nn.Module:
    """Weights from N(0, .02²), biases 0; the scales of batch normalisation stay at 1."""
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, std=DEVIATION)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network


class Maxout(nn.Module):
    """(B, n_in) -> (B, n_out): the largest of `pieces` linear maps, for each output."""

    def __init__(self, n_in: int, n_out: int, pieces: int) -> None:
        super().__init__()
        self.linear, self.shape = nn.Linear(n_in, n_out * pieces), (n_out, pieces)

    def forward(self, h: Tensor) -> Tensor:
        return self.linear(h).unflatten(1, self.shape).amax(2)


def dense_generator(latent: int, dims: int, width: int, depth: int) -> nn.Module:
    """z (B, latent) -> x (B, dims): `depth` hidden layers."""
    sizes = [latent] + [width] * depth
    hidden = [
        layer for a, b in pairwise(sizes) for layer in (nn.Linear(a, b, bias=False), nn.BatchNorm1d(b), nn.ReLU())
    ]
    return initialised(nn.Sequential(*hidden, nn.Linear(sizes[-1], dims)))


def maxout_critic(dims: int, width: int, depth: int, pieces: int) -> nn.Module:
    """x (B, dims) -> scores (B, 1): `depth` hidden layers."""
    sizes = [dims] + [width] * depth
    hidden = [Maxout(a, b, pieces) for a, b in pairwise(sizes)]
    return initialised(nn.Sequential(*hidden, nn.Linear(sizes[-1], 1)))


def sides(size: int, halvings: int) -> list[int]:
    """The side of a square image and of each smaller map, each half of the one before, rounded up."""
    found = [size]
    for _ in range(halvings):
        found.append(math.ceil(found[-1] / 2))
    return found


class ConvGenerator(nn.Module):
    """z (B, latent) -> x (B, C, H, W) in [-1, 1].

    Args:
        shape: (C, H, W).
        latent: dimensions of z.
        channels: feature maps at half of the full size, doubled at each further halving.
        halvings: of the height and width.
    """

    def __init__(self, shape: tuple[int, ...], latent: int, channels: int, halvings: int) -> None:
        super().__init__()
        depth, *size = shape
        heights, widths = (sides(side, halvings) for side in size)
        self.coarse = (channels << (halvings - 1), heights[-1], widths[-1])
        self.start = nn.Linear(latent, math.prod(self.coarse))
        layers: list[nn.Module] = []
        for i in reversed(range(halvings)):
            maps, fewer = channels << i, channels << (i - 1) if i else depth
            layers += [nn.BatchNorm2d(maps), nn.ReLU()]
            extra = (heights[i] - 2 * heights[i + 1] + 1, widths[i] - 2 * widths[i + 1] + 1)
            layers.append(nn.ConvTranspose2d(maps, fewer, KERNEL, 2, MARGIN, output_padding=extra))
        self.grow = nn.Sequential(*layers, nn.Tanh())
        initialised(self)

    def forward(self, z: Tensor) -> Tensor:
        out: Tensor = self.grow(self.start(z).unflatten(1, self.coarse))
        return out


class ConvCritic(nn.Module):
    """x (B, C, H, W) -> scores (B, 1).

    Args:
        shape: (C, H, W), with the channels of all items of a pack.
        channels: feature maps after the first halving, doubled at each further one.
        halvings: of the height and width.
    """

    def __init__(self, shape: tuple[int, ...], channels: int, halvings: int) -> None:
        super().__init__()
        depth, *size = shape
        layers: list[nn.Module] = []
        for i in range(halvings):
            layers.append(nn.Conv2d(channels << (i - 1) if i else depth, channels << i, KERNEL, 2, MARGIN))
            layers += [nn.BatchNorm2d(channels << i)] if i else []
            layers.append(nn.LeakyReLU(LEAK))
        places = math.prod(sides(side, halvings)[-1] for side in size)
        self.net = nn.Sequential(*layers, nn.Flatten(), nn.Linear(places * channels << (halvings - 1), 1))
        initialised(self)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.net(x)
        return out
