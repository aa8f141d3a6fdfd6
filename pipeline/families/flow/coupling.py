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

from pipeline.families.flow.bijection import Bijection


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


class Coupling(Bijection):
    """`stays` (*shape) bool is m; `network` maps (m x, h) to the parameters of what moves.

    It gives them for each value of the channels in which something moves, (B, width `moving(stays)`, ...).
    """

    stays: Tensor
    moves: Tensor
    chosen: Tensor

    def __init__(self, stays: Tensor, function: Monotone, network: nn.Module) -> None:
        super().__init__()
        self.function, self.network = function, network
        self.register_buffer("stays", stays.contiguous(), persistent=False)
        moves = (~stays).reshape(len(stays), -1)  # (C, H W)
        self.register_buffer("moves", moves.flatten().nonzero()[:, 0], persistent=False)
        self.register_buffer("chosen", moves[moves.any(1)].flatten().nonzero()[:, 0], persistent=False)

    def _theta(self, x: Tensor, h: Tensor) -> Tensor:
        theta: Tensor = self.network(x * self.stays, h).unflatten(1, (self.function.width, -1)).flatten(2)
        return theta if theta.shape[2] == len(self.chosen) else theta.index_select(2, self.chosen)  # (B, width, N)

    def _replace(self, x: Tensor, moved: Tensor) -> Tensor:
        return x.flatten(1).index_copy(1, self.moves, moved).view_as(x)

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        moved, log_slope = self.function(x.flatten(1).index_select(1, self.moves), self._theta(x, h))
        return self._replace(x, moved), log_slope.sum(1)

    def inverse(self, z: Tensor, h: Tensor) -> Tensor:
        moved = self.function.inverse(z.flatten(1).index_select(1, self.moves), self._theta(z, h))
        return self._replace(z, moved)


def moving(stays: Tensor) -> int:
    """The number of channels (of a vector: values) in which something moves."""
    return int((~stays).reshape(len(stays), -1).any(1).sum())


def checkerboard(shape: tuple[int, ...], parity: int) -> Tensor:
    """(C, H, W) bool: true where row + column + parity is even."""
    _, height, width = shape
    return ((torch.arange(height)[:, None] + torch.arange(width) + parity) % 2 == 0).expand(shape)


def every_other(shape: tuple[int, ...], parity: int) -> Tensor:
    """(C, ...) bool: true on every other channel (of a vector: value), so that each squeezed pixel is split as well."""
    column = ((torch.arange(shape[0]) + parity) % 2 == 0).view(-1, *[1] * (len(shape) - 1))
    return column.expand(shape)
