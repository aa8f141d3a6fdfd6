"""Networks of couplings of images as RealNVP and Glow have them.

    RealNVP   conv -> residual blocks, whose outputs all reach the end by 1 x 1 convolutions -> 1 x 1 conv
    Glow      conv 3 x 3, actnorm, relu, conv 1 x 1, actnorm, relu, conv 3 x 3, zero at the start

Group normalisation stands in place of RealNVP's batch normalisation and of Glow's actnorm within the network, so that
the density of an image does not depend on the batch.

References:
    Dinh, Sohl-Dickstein & Bengio 2017, arXiv:1605.08803, section 4.1, and the authors' code; Kingma & Dhariwal 2018,
    arXiv:1807.03039, section 5.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.networks.layers import norm, zero_init


class ContextMaps(nn.Module):
    """h (B, M, finer H, finer W) -> (B, channels, H, W), zero at the start; 0 where there is no context."""

    def __init__(self, context: int, channels: int, finer: int) -> None:
        super().__init__()
        self.finer = finer
        conv = nn.Conv2d(finer**2 * context, channels, 3, padding=1, bias=False) if context else None
        self.conv = None if conv is None else zero_init(conv)

    def forward(self, h: Tensor) -> Tensor:
        if self.conv is None:
            return h.new_zeros(())
        out: Tensor = self.conv(F.pixel_unshuffle(h, self.finer))
        return out


class NormalisedResidual(nn.Module):
    """h + conv(relu(norm(conv(relu(norm(h)))))), (B, C, H, W) -> the same."""

    def __init__(self, channels: int, dropout: float) -> None:
        super().__init__()
        self.before, self.first = norm(channels), nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.between, self.drop = norm(channels), nn.Dropout2d(dropout)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, h: Tensor) -> Tensor:
        change: Tensor = self.second(self.drop(F.relu(self.between(self.first(F.relu(self.before(h)))))))
        return h + change


class ResidualConditioner(nn.Module):
    """(x (B, *shape), h (B, M, finer H, finer W)) -> (B, n_out, H, W), zero at the start: RealNVP's network.

    The input is x and -x, rectified, so that both signs pass.
    """

    def __init__(
        self, shape: tuple[int, ...], context: int, n_out: int, channels: int, blocks: int, dropout: float, finer: int
    ) -> None:
        super().__init__()
        self.enter = nn.Conv2d(2 * shape[0], channels, 3, padding=1)
        self.context = ContextMaps(context, channels, finer)
        self.blocks = nn.ModuleList(NormalisedResidual(channels, dropout) for _ in range(blocks))
        self.skips = nn.ModuleList(nn.Conv2d(channels, channels, 1) for _ in range(blocks + 1))
        self.leave = nn.Sequential(norm(channels), nn.ReLU(), zero_init(nn.Conv2d(channels, n_out, 1)))

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        features = self.enter(F.relu(torch.cat([x, -x], dim=1))) + self.context(h)
        first, *skips = self.skips
        total = first(features)
        for block, skip in zip(self.blocks, skips, strict=True):
            features = block(features)
            total = total + skip(features)
        out: Tensor = self.leave(total)
        return out


class ShallowConditioner(nn.Module):
    """(x (B, *shape), h (B, M, finer H, finer W)) -> (B, n_out, H, W), zero at the start: Glow's network."""

    def __init__(self, shape: tuple[int, ...], context: int, n_out: int, channels: int, finer: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(shape[0], channels, 3, padding=1, bias=False)
        self.context = ContextMaps(context, channels, finer)
        self.between = nn.Sequential(norm(channels), nn.ReLU(), nn.Conv2d(channels, channels, 1, bias=False))
        self.leave = nn.Sequential(norm(channels), nn.ReLU(), zero_init(nn.Conv2d(channels, n_out, 3, padding=1)))

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        out: Tensor = self.leave(self.between(self.enter(x) + self.context(h)))
        return out
