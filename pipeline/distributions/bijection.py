"""Invertible maps with a tractable log-determinant, and their composition.

    forward: x -> z,  log|det dz/dx|        inverse: z -> x

    Scale         z = x e^s                                     log|det| = sum s             (NICE)
    ActNorm       z = (x + b) e^s for each channel              log|det| = H W sum s         (Glow, section 3.1)
    Convolution   z = W x at each place, W = P L (U + diag(d))  log|det| = H W sum log|d|    (Glow, section 3.2)

The log-determinants of a chain add up. A multi-scale flow factors out half of the channels after each scale, so that
they take no further computation (RealNVP, section 3.6).

References:
    NICE: Dinh, Krueger & Bengio 2015, arXiv:1410.8516. RealNVP: Dinh, Sohl-Dickstein & Bengio 2017, arXiv:1605.08803.
    Glow: Kingma & Dhariwal 2018, arXiv:1807.03039.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Sequence
from typing import Any

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
    """x -> `fine` -> (stays, leaves), each half of the channels; the first half goes through `coarse`.

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
    """(B, C, H, W) <-> (B, 4 C, H/2, W/2), or (B, C, T) <-> (B, 2 C, T/2): space becomes channels; the log-determinant
    is 0.

    All channels of a place of the 2 x 2 come before those of the next, so that half of the channels is a row of it, or
    of a sequence every other step.
    """

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        if x.dim() == 3:
            return x.unflatten(2, (-1, 2)).movedim(-1, 1).flatten(1, 2), x.new_zeros(len(x))
        z = nn.functional.pixel_unshuffle(x, 2)  # channel-major
        return z.unflatten(1, (-1, 4)).transpose(1, 2).flatten(1, 2), x.new_zeros(len(x))

    def inverse(self, z: Tensor, h: Tensor) -> Tensor:
        if z.dim() == 3:
            return z.unflatten(1, (2, -1)).movedim(1, -1).flatten(2)
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
    """(B, *shape) <-> (B, D); the log-determinant is 0."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        return x.flatten(1), x.new_zeros(len(x))

    def inverse(self, z: Tensor, h: Tensor) -> Tensor:
        return z.unflatten(1, self.shape)


class Scale(Bijection):
    """z = x e^s, with one learned s for each value of x (B, *shape); `start` is the factor that it begins with."""

    def __init__(self, shape: tuple[int, ...], start: float = 1.0) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.full(shape, math.log(start)))

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        return x * self.log_scale.exp(), self.log_scale.sum().expand(len(x))

    def inverse(self, z: Tensor, h: Tensor) -> Tensor:
        return z * (-self.log_scale).exp()


class ActNorm(Bijection):
    """z = (x + b) e^s for each channel of x (B, *shape), set by the first batch to zero mean and unit variance."""

    ready: Tensor
    """(): `_started` as the state dict stores it; training reads the Python flag, which waits for no device."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.copies = math.prod(shape[1:])
        each = (shape[0], *[1] * (len(shape) - 1))
        self.shift, self.log_scale = nn.Parameter(torch.zeros(each)), nn.Parameter(torch.zeros(each))
        self.register_buffer("ready", torch.tensor(False))
        self._started = False

    @torch.no_grad()
    def _start(self, x: Tensor) -> None:
        values = x.transpose(0, 1).flatten(1)  # (C, B ...)
        self.shift.copy_(-values.mean(1).view_as(self.shift))
        self.log_scale.copy_(-values.std(1).clamp(min=1e-6).log().view_as(self.log_scale))
        self.ready.fill_(True)
        self._started = True

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        super()._load_from_state_dict(state_dict, prefix, *rest)
        self._started = bool(state_dict.get(f"{prefix}ready", self._started))

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        if self.training and not self._started:
            self._start(x)
        return (x + self.shift) * self.log_scale.exp(), (self.log_scale.sum() * self.copies).expand(len(x))

    def inverse(self, z: Tensor, h: Tensor) -> Tensor:
        return z * (-self.log_scale).exp() - self.shift


class Convolution(Bijection):
    """An invertible 1x1 convolution of x (B, C, H, W) or (B, C, T): a learned rotation in place of a fixed permutation.

    It starts as a random rotation; the permutation P and the signs of d stay what they were.
    """

    permutation: Tensor
    sign: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        rotation = torch.linalg.qr(torch.randn(channels, channels, dtype=torch.float64)).Q
        permutation, lower, upper = (part.float() for part in torch.linalg.lu(rotation))
        diagonal = upper.diagonal()
        self.register_buffer("permutation", permutation)
        self.register_buffer("sign", diagonal.sign())
        self.lower, self.upper = nn.Parameter(lower.tril(-1)), nn.Parameter(upper.triu(1))
        self.log_diagonal = nn.Parameter(diagonal.abs().log())

    def weight(self) -> Tensor:
        """W = P L (U + diag(d)), (C, C)."""
        lower = self.lower.tril(-1) + torch.eye(len(self.sign), dtype=self.lower.dtype, device=self.lower.device)
        upper = self.upper.triu(1) + (self.sign * self.log_diagonal.exp()).diag()
        return self.permutation @ lower @ upper

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        log_det = self.log_diagonal.sum() * math.prod(x.shape[2:])
        return _at_each_place(self.weight(), x), log_det.expand(len(x))

    def inverse(self, z: Tensor, h: Tensor) -> Tensor:
        weight = self.weight().double()  # float64: the error grows with W's condition number
        inverse = torch.linalg.inv_ex(weight).inverse.to(z)  # without the check, for which the host would wait
        return _at_each_place(inverse, z)


def _at_each_place(weight: Tensor, x: Tensor) -> Tensor:
    """weight (M, C), x (B, C, ...) -> (B, M, ...)."""
    kernel = weight.view(*weight.shape, *[1] * (x.dim() - 2))
    return nn.functional.conv1d(x, kernel) if x.dim() == 3 else nn.functional.conv2d(x, kernel)
