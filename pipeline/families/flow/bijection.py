"""Invertible maps with a tractable log-determinant, and how they compose.

    forward: x -> z,  log|det dz/dx|        inverse: z -> x

A chain's log-determinants add. A multi-scale flow lets half of the channels leave after each scale, so that fine
detail costs no further computation (Dinh, Sohl-Dickstein & Bengio 2017, arXiv:1605.08803, section 3.6).
"""

from __future__ import annotations

import abc
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Bijection(nn.Module, abc.ABC):
    """x (B, ...) <-> z (B, ...), given context h."""

    @abc.abstractmethod
    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """x -> (z, log|det dz/dx| (B,))."""

    @abc.abstractmethod
    def inverse(self, z: Tensor, h: Tensor) -> Tensor:
        """z -> x."""


class Chain(Bijection):
    """One bijection after another; all see the same context."""

    def __init__(self, steps: Sequence[Bijection]) -> None:
        super().__init__()
        self.steps = nn.ModuleList(steps)

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        log_det = x.new_zeros(len(x))
        for step in self.steps:
            x, change = step(x, h)
            log_det = log_det + change
        return x, log_det

    def inverse(self, z: Tensor, h: Tensor) -> Tensor:
        for step in reversed(self.steps):
            assert isinstance(step, Bijection)
            z = step.inverse(z, h)
        return z


class MultiScale(Bijection):
    """x -> `fine` -> (stays, leaves), each half of the channels; what stays goes through `coarse`.

    x (B, ...) <-> z (B, D); `shape` (C, H, W) is what `fine` ends in, and `coarse` ends in (B, C H W / 2).
    """

    def __init__(self, fine: Bijection, shape: tuple[int, ...], coarse: Bijection) -> None:
        super().__init__()
        self.fine, self.coarse = fine, coarse
        self.part = (shape[0] // 2, *shape[1:])

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        x, fine = self.fine(x, h)
        stays, leaves = x.chunk(2, dim=1)
        z, coarse = self.coarse(stays, h)
        return torch.cat([leaves.flatten(1), z], dim=1), fine + coarse

    def inverse(self, z: Tensor, h: Tensor) -> Tensor:
        dims = math.prod(self.part)
        leaves, z = z.split([dims, z.shape[1] - dims], dim=1)
        x = torch.cat([self.coarse.inverse(z, h), leaves.unflatten(1, self.part)], dim=1)
        return self.fine.inverse(x, h)


class Squeeze(Bijection):
    """(B, C, H, W) <-> (B, 4 C, H/2, W/2): space becomes channels; volume is kept.

    All channels of a place of the 2 x 2 come before those of the next, so that half of the channels is a row of it.
    """

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        z = nn.functional.pixel_unshuffle(x, 2)  # channel-major
        return z.unflatten(1, (-1, 4)).transpose(1, 2).flatten(1, 2), x.new_zeros(len(x))

    def inverse(self, z: Tensor, h: Tensor) -> Tensor:
        return nn.functional.pixel_shuffle(z.unflatten(1, (4, -1)).transpose(1, 2).flatten(1, 2), 2)


class EveryOther(Bijection):
    """(B, D) <-> (B, D): the even values, then the odd ones, so that neighbours are in different halves."""

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        return torch.cat([x[:, 0::2], x[:, 1::2]], dim=1), x.new_zeros(len(x))

    def inverse(self, z: Tensor, h: Tensor) -> Tensor:
        x, half = torch.empty_like(z), (z.shape[1] + 1) // 2
        x[:, 0::2], x[:, 1::2] = z[:, :half], z[:, half:]
        return x


class Flatten(Bijection):
    """(B, *shape) <-> (B, D); volume is kept."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        return x.flatten(1), x.new_zeros(len(x))

    def inverse(self, z: Tensor, h: Tensor) -> Tensor:
        return z.unflatten(1, self.shape)
