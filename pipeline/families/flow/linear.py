"""Linear bijections: a scale for each value, normalised channels, and channels that mix.

    Scale         z = x e^s                                     log|det| = sum s             (NICE)
    ActNorm       z = (x + b) e^s for each channel              log|det| = H W sum s         (Glow, section 3.1)
    Convolution   z = W x at each pixel, W = P L (U + diag(d))  log|det| = H W sum log|d|    (Glow, section 3.2)

Dinh, Krueger & Bengio 2015, arXiv:1410.8516, section 3.3; Kingma & Dhariwal 2018, arXiv:1807.03039.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from pipeline.families.flow.bijection import Bijection


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

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.copies = math.prod(shape[1:])
        each = (shape[0], *[1] * (len(shape) - 1))
        self.shift, self.log_scale = nn.Parameter(torch.zeros(each)), nn.Parameter(torch.zeros(each))
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
        return (x + self.shift) * self.log_scale.exp(), (self.log_scale.sum() * self.copies).expand(len(x))

    def inverse(self, z: Tensor, h: Tensor) -> Tensor:
        return z * (-self.log_scale).exp() - self.shift


class Convolution(Bijection):
    """An invertible 1x1 convolution of x (B, C, H, W): a learned rotation in place of a fixed permutation.

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
        lower = self.lower.tril(-1) + torch.eye(len(self.sign)).to(self.lower)
        upper = self.upper.triu(1) + (self.sign * self.log_diagonal.exp()).diag()
        return self.permutation @ lower @ upper

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        log_det = self.log_diagonal.sum() * math.prod(x.shape[2:])
        return nn.functional.conv2d(x, self.weight()[:, :, None, None]), log_det.expand(len(x))

    def inverse(self, z: Tensor, h: Tensor) -> Tensor:
        inverse = self.weight().double().inverse().to(z)  # float64: the error grows with W's condition number
        return nn.functional.conv2d(z, inverse[:, :, None, None])
