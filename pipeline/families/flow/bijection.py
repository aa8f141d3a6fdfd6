"""Invertible maps with a tractable log-determinant.

    forward: x -> z,  log|det dz/dx|        inverse: z -> x

Affine coupling (Dinh, Sohl-Dickstein & Bengio 2017, arXiv:1605.08803, eq. 7): one part of x stays and decides how the
other part is scaled and shifted, so the Jacobian is triangular.
"""

from __future__ import annotations

import abc

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


class AffineCoupling(Bijection):
    """z = m x + (1 - m) ((x + t) e^s), with (s, t) = network(m x, h).

    `mask` m broadcasts against one x; `network` maps (m x, h) to twice the channels of x; a learned `gain` bounds
    s (the paper's scaled tanh), so that no layer can explode early in training.
    """

    mask: Tensor

    def __init__(self, mask: Tensor, channels: int, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mask", mask, persistent=False)
        self.gain = nn.Parameter(torch.ones(channels, *[1] * (mask.dim() - 1)))

    def _scale_shift(self, fixed: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        raw, shift = self.network(fixed, h).chunk(2, dim=1)
        free = 1 - self.mask
        return raw.tanh() * self.gain * free, shift * free

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        log_scale, shift = self._scale_shift(x * self.mask, h)
        return (x + shift) * log_scale.exp(), log_scale.flatten(1).sum(-1)

    def inverse(self, z: Tensor, h: Tensor) -> Tensor:
        log_scale, shift = self._scale_shift(z * self.mask, h)
        return z * (-log_scale).exp() - shift


class ActNorm(Bijection):
    """z = (x + b) e^s for each channel, set by the first batch to zero mean and unit variance.

    Kingma & Dhariwal 2018, arXiv:1807.03039, section 3.1.
    """

    ready: Tensor

    def __init__(self, channels: int, dims: int) -> None:
        super().__init__()
        shape = (channels, *[1] * (dims - 1))
        self.shift, self.log_scale = nn.Parameter(torch.zeros(shape)), nn.Parameter(torch.zeros(shape))
        self.register_buffer("ready", torch.tensor(False))

    @torch.no_grad()
    def _start(self, x: Tensor) -> None:
        values = x.transpose(0, 1).flatten(1)  # (C, B ...)
        self.shift.copy_(-values.mean(1).view_as(self.shift))
        self.log_scale.copy_(-values.std(1).clamp(min=1e-6).log().view_as(self.log_scale))
        self.ready.fill_(True)

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        if self.training and not self.ready:
            self._start(x)
        copies = x[0, 0].numel()
        return (x + self.shift) * self.log_scale.exp(), (self.log_scale.sum() * copies).expand(len(x))

    def inverse(self, z: Tensor, h: Tensor) -> Tensor:
        return z * (-self.log_scale).exp() - self.shift


class Squeeze(Bijection):
    """(B, C, H, W) <-> (B, 4 C, H/2, W/2): space becomes channels; volume is kept."""

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        return nn.functional.pixel_unshuffle(x, 2), x.new_zeros(len(x))

    def inverse(self, z: Tensor, h: Tensor) -> Tensor:
        return nn.functional.pixel_shuffle(z, 2)
