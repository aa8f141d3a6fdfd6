"""Coupling layers: what stays of x decides how the rest moves, so the Jacobian is triangular.

z = m x + (1 - m) g(x; θ),  θ = network(m x, h)         log|det dz/dx| = sum over what moves of log g'

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
    """g = x + t; volume is kept."""

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


class Split(nn.Module, abc.ABC):
    """Which values of x (B, *shape) stay and which move."""

    seen: int
    """Channels of what a network is shown."""
    moving: int
    """Channels (of a vector: values) in which something moves."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape

    @abc.abstractmethod
    def part(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x -> (what a network is shown of it (B, seen, ...), what moves (B, moving, ...))."""

    @abc.abstractmethod
    def join(self, shown: Tensor, moved: Tensor) -> Tensor:
        """The inverse of `part`."""

    def confine(self, theta: Tensor) -> Tensor:
        """theta (B, width, moving, ...) -> the same, zero where x stays."""
        return theta


class Halves(Split):
    """The first half of the channels (of a vector: values) stays, the second moves; with `turned`, the other way."""

    def __init__(self, shape: tuple[int, ...], turned: bool = False) -> None:
        super().__init__(shape)
        self.turned, self.sizes = turned, (shape[0] - shape[0] // 2, shape[0] // 2)
        self.seen, self.moving = self.sizes[::-1] if turned else self.sizes

    def part(self, x: Tensor) -> tuple[Tensor, Tensor]:
        first, second = x.split(self.sizes, dim=1)
        return (second, first) if self.turned else (first, second)

    def join(self, shown: Tensor, moved: Tensor) -> Tensor:
        return torch.cat([moved, shown] if self.turned else [shown, moved], dim=1)


class Checkerboard(Split):
    """x (B, C, H, W) stays where row + column + parity is even; a network is shown zeros elsewhere."""

    stays: Tensor

    def __init__(self, shape: tuple[int, ...], parity: int) -> None:
        super().__init__(shape)
        self.seen = self.moving = shape[0]
        place = torch.arange(shape[1])[:, None] + torch.arange(shape[2]) + parity
        self.register_buffer("stays", place % 2 == 0, persistent=False)  # (H, W)

    def part(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x * self.stays, x

    def join(self, shown: Tensor, moved: Tensor) -> Tensor:
        return moved

    def confine(self, theta: Tensor) -> Tensor:
        return theta * ~self.stays


class Coupling(Bijection):
    """`network` maps (what it is shown, h) to the parameters of what moves, (B, width moving, ...)."""

    def __init__(self, split: Split, function: Monotone, network: nn.Module) -> None:
        super().__init__()
        self.split, self.function, self.network = split, function, network

    def _theta(self, shown: Tensor, h: Tensor) -> Tensor:
        theta: Tensor = self.network(shown, h).unflatten(1, (self.function.width, -1))
        return self.split.confine(theta).flatten(2)  # (B, width, N)

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        shown, moving = self.split.part(x)
        moved, log_slope = self.function(moving.flatten(1), self._theta(shown, h))
        return self.split.join(shown, moved.view_as(moving)), log_slope.sum(1)

    def inverse(self, z: Tensor, h: Tensor) -> Tensor:
        shown, moving = self.split.part(z)
        moved = self.function.inverse(moving.flatten(1), self._theta(shown, h))
        return self.split.join(shown, moved.view_as(moving))
