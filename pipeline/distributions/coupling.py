"""Coupling layers: one part of x is unchanged and parametrises the map of the rest, so the Jacobian is triangular.

z = m x + (1 - m) g(x; θ),  θ = network(m x, h)         log|det dz/dx| = sum of log g' over the transformed values

additive   g = x + t                      Dinh, Krueger & Bengio 2015, arXiv:1410.8516, eq. 7
affine     g = (x + t) e^s                Dinh, Sohl-Dickstein & Bengio 2017, arXiv:1605.08803, eq. 7
spline     g rational-quadratic           Durkan et al. 2019, arXiv:1906.04032 (spline.py)
"""

from __future__ import annotations

import abc

import torch
from torch import Tensor, nn

from pipeline.distributions.bijection import Bijection


class Monotone(nn.Module, abc.ABC):
    """An increasing function of one value, g(x; θ), applied to each of x (B, N) with θ (B, width, N)."""

    width: int
    """Parameters for each value; all zero is the identity."""

    @abc.abstractmethod
    def forward(self, x: Tensor, theta: Tensor) -> tuple[Tensor, Tensor]:
        """(g(x; θ), log g'(x; θ)), (B, N) each."""

    @abc.abstractmethod
    def inverse(self, z: Tensor, theta: Tensor) -> Tensor:
        """The x with g(x; θ) = z, (B, N)."""


class Additive(Monotone):
    """g = x + t; the log-determinant is 0."""

    width = 1

    def forward(self, x: Tensor, theta: Tensor) -> tuple[Tensor, Tensor]:
        return x + theta[:, 0], torch.zeros_like(x)

    def inverse(self, z: Tensor, theta: Tensor) -> Tensor:
        return z - theta[:, 0]


class Affine(Monotone):
    """g = (x + t) e^s; a learned gain bounds s (the paper's scaled tanh), so that no layer explodes early."""

    width = 2

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(()))

    def _split(self, theta: Tensor) -> tuple[Tensor, Tensor]:
        raw, shift = theta.unbind(1)
        return raw.tanh() * self.gain, shift

    def forward(self, x: Tensor, theta: Tensor) -> tuple[Tensor, Tensor]:
        log_scale, shift = self._split(theta)
        return (x + shift) * log_scale.exp(), log_scale

    def inverse(self, z: Tensor, theta: Tensor) -> Tensor:
        log_scale, shift = self._split(theta)
        return z * (-log_scale).exp() - shift


class Partition(nn.Module, abc.ABC):
    """Which values of x (B, *shape) are unchanged and which are transformed."""

    seen: int
    """Channels of the network's input."""
    moving: int
    """Channels (of a vector: values) that are transformed, at least in part."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape

    @abc.abstractmethod
    def part(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x -> (the network's input (B, seen, ...), the part to transform (B, moving, ...))."""

    @abc.abstractmethod
    def join(self, fixed: Tensor, moved: Tensor) -> Tensor:
        """The inverse of `part`."""

    def mask(self, theta: Tensor) -> Tensor:
        """theta (B, width, moving, ...) -> the same, zero where x is unchanged."""
        return theta


class ChannelHalves(Partition):
    """The first half of the channels (of a vector: values) is unchanged, the second transformed; or `swap`ped."""

    def __init__(self, shape: tuple[int, ...], swap: bool = False) -> None:
        super().__init__(shape)
        self.swap, self.sizes = swap, (shape[0] - shape[0] // 2, shape[0] // 2)
        self.seen, self.moving = self.sizes[::-1] if swap else self.sizes

    def part(self, x: Tensor) -> tuple[Tensor, Tensor]:
        first, second = x.split(self.sizes, dim=1)
        return (second, first) if self.swap else (first, second)

    def join(self, fixed: Tensor, moved: Tensor) -> Tensor:
        return torch.cat([moved, fixed] if self.swap else [fixed, moved], dim=1)


class Checkerboard(Partition):
    """x (B, C, H, W) is unchanged where row + column + parity is even, x (B, C, T) where step + parity is; the input
    of the network is zero elsewhere."""

    stays: Tensor

    def __init__(self, shape: tuple[int, ...], parity: int) -> None:
        super().__init__(shape)
        self.seen = self.moving = shape[0]
        place = torch.arange(shape[-1]) + parity
        if len(shape) == 3:
            place = torch.arange(shape[1])[:, None] + place
        self.register_buffer("stays", place % 2 == 0, persistent=False)  # (H, W) or (T,)

    def part(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x * self.stays, x

    def join(self, fixed: Tensor, moved: Tensor) -> Tensor:
        return moved

    def mask(self, theta: Tensor) -> Tensor:
        return theta * ~self.stays


class Coupling(Bijection):
    """`network` maps (unchanged part, h) to the parameters of the transformed part, (B, width moving, ...)."""

    def __init__(self, split: Partition, function: Monotone, network: nn.Module) -> None:
        super().__init__()
        self.split, self.function, self.network = split, function, network

    def _theta(self, fixed: Tensor, h: Tensor) -> Tensor:
        theta: Tensor = self.network(fixed, h).unflatten(1, (self.function.width, -1))
        return self.split.mask(theta).flatten(2)  # (B, width, N)

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        fixed, moving = self.split.part(x)
        moved, log_slope = self.function(moving.flatten(1), self._theta(fixed, h))
        return self.split.join(fixed, moved.view_as(moving)), log_slope.sum(1)

    def inverse(self, z: Tensor, h: Tensor) -> Tensor:
        fixed, moving = self.split.part(z)
        moved = self.function.inverse(moving.flatten(1), self._theta(fixed, h))
        return self.split.join(fixed, moved.view_as(moving))
