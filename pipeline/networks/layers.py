"""Layers that networks of several families are built from: perceptrons, Fourier features, convolutional blocks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


def mlp(n_in: int, n_out: int, width: int, depth: int = 2) -> nn.Sequential:
    """(B, n_in) -> (B, n_out) through `depth` hidden layers of `width`."""
    sizes = [n_in] + [width] * depth
    hidden = [layer for a, b in pairwise(sizes) for layer in (nn.Linear(a, b), nn.SiLU())]
    return nn.Sequential(*hidden, nn.Linear(sizes[-1], n_out))


class Joined(nn.Module):
    """[a (B, n), b (B, m)] -> (B, n_out), linear; the weights of each part are initialised by its own width.

    Initialised by the sum of both widths a code of thirty values would be negligible next to a map of a thousand.
    """

    def __init__(self, n: int, m: int, n_out: int) -> None:
        super().__init__()
        self.linear = nn.Linear(n + m, n_out)
        for part in self.linear.weight.detach().split((n, m), dim=1):
            bound = max(1, part.shape[1]) ** -0.5
            nn.init.uniform_(part, -bound, bound)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        out: Tensor = self.linear(torch.cat([a, b], dim=1))
        return out


def zero_init(network: Network) -> Network:
    """Set the last layer of a sequence, or the one given, to zero: what it parametrises starts as the identity."""
    last = network[-1] if isinstance(network, nn.Sequential) else network
    for parameter in last.parameters(recurse=False):
        nn.init.zeros_(parameter)
    return network


class Fourier(nn.Module):
    """x (B, D) -> (B, D (1 + 2 F)): x, and the sine and cosine of x at F octaves.

    A network of x alone is too smooth to change within a hundredth of its range (Tancik et al. 2020,
    arXiv:2006.10739). Octave k has the frequency `base` 2^k, in radians per unit of x.
    """

    frequencies: Tensor

    def __init__(self, octaves: int, base: float = math.pi / 4) -> None:
        super().__init__()
        self.octaves = octaves
        self.register_buffer("frequencies", base * 2.0 ** torch.arange(octaves), persistent=False)

    def width(self, dims: int) -> int:
        return dims * (1 + 2 * self.octaves)

    def forward(self, x: Tensor) -> Tensor:
        if not self.octaves:
            return x
        angles = (x[..., None] * self.frequencies).flatten(1)  # (B, D F)
        return torch.cat([x, angles.sin(), angles.cos()], dim=-1)


class VectorConditioner(nn.Module):
    """(x (B, D), h (B, V)) -> (B, n_out), zero at the start; the slowest Fourier feature spans [-scale, scale]."""

    def __init__(self, n_in: int, context: int, n_out: int, width: int, depth: int, octaves: int, scale: float) -> None:
        super().__init__()
        self.embed = Fourier(octaves, base=math.pi / 2 / scale)
        self.net = zero_init(mlp(self.embed.width(n_in) + context, n_out, width, depth))

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        seen = self.embed(x)
        out: Tensor = self.net(torch.cat([seen, h], dim=1) if h.shape[1] else seen)
        return out


def one_hot(index: Tensor, size: int) -> Tensor:
    """index (...) long of 0 .. size - 1 -> (..., size) float32, 1 at the index.

    `torch.nn.functional.one_hot` checks the range of the indices on the host, which has to wait for them.
    """
    return (index[..., None] == torch.arange(size, device=index.device)).float()


def convolution(n_in: int, n_out: int, kernel: int, axes: int = 2, **options: Any) -> nn.Conv1d | nn.Conv2d:
    """A convolution over the `axes` axes of an image, 2, or of a sequence, 1; `options` of the layer."""
    return nn.Conv1d(n_in, n_out, kernel, **options) if axes == 1 else nn.Conv2d(n_in, n_out, kernel, **options)


def norm(channels: int) -> nn.GroupNorm:
    """Group normalisation with groups of at least four channels (Wu & He 2018, arXiv:1803.08494)."""
    groups = next(g for g in (8, 4, 2, 1) if channels % g == 0 and channels // g >= min(4, channels))
    return nn.GroupNorm(groups, channels)


class Residual(nn.Module):
    """h + conv(silu(conv(silu(h)))), (B, C, H, W) or (B, C, T) -> the same (He et al. 2016, arXiv:1603.05027)."""

    def __init__(self, channels: int, normalise: bool = False, axes: int = 2) -> None:
        super().__init__()
        self.before = norm(channels) if normalise else nn.Identity()
        self.first = convolution(channels, channels, 3, axes, padding=1)
        self.second = convolution(channels, channels, 3, axes, padding=1)

    def forward(self, h: Tensor) -> Tensor:
        change: Tensor = self.second(F.silu(self.first(F.silu(self.before(h)))))
        return h + change


def check_halvings(size: Sequence[int], halvings: int) -> None:
    """Raises `ValueError` unless 2^`halvings` divides the height and the width of an image, or a sequence's length."""
    if any(length % (1 << halvings) for length in size):
        raise ValueError(f"{' x '.join(map(str, size))} cannot be halved {halvings} times")


def down(n_in: int, n_out: int, axes: int = 2) -> nn.Conv1d | nn.Conv2d:
    """Halve the height and width, or the length."""
    return convolution(n_in, n_out, 4, axes, stride=2, padding=1)


def up(n_in: int, n_out: int, axes: int = 2) -> nn.Sequential:
    """Double the height and width, or the length; a resize leaves no checkerboard (Odena et al. 2016,
    doi:10.23915/distill.00003)."""
    return nn.Sequential(nn.Upsample(scale_factor=2), convolution(n_in, n_out, 3, axes, padding=1))
