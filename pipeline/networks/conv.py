"""Convolutional blocks for images."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


def norm(channels: int) -> nn.GroupNorm:
    """Group normalisation with groups of at least four channels (Wu & He 2018, arXiv:1803.08494)."""
    groups = next(g for g in (8, 4, 2, 1) if channels % g == 0 and channels // g >= min(4, channels))
    return nn.GroupNorm(groups, channels)


class Residual(nn.Module):
    """h + conv(silu(conv(silu(h)))), (B, C, H, W) -> the same (He et al. 2016, arXiv:1603.05027)."""

    def __init__(self, channels: int, normalise: bool = False) -> None:
        super().__init__()
        self.before = norm(channels) if normalise else nn.Identity()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, h: Tensor) -> Tensor:
        change: Tensor = self.second(F.silu(self.first(F.silu(self.before(h)))))
        return h + change


def residual_network(n_in: int, n_out: int, channels: int, blocks: int) -> nn.Sequential:
    """(B, n_in, H, W) -> (B, n_out, H, W) at one resolution."""
    body = [Residual(channels) for _ in range(blocks)]
    return nn.Sequential(nn.Conv2d(n_in, channels, 3, padding=1), *body, nn.SiLU(), nn.Conv2d(channels, n_out, 1))


def down(n_in: int, n_out: int) -> nn.Conv2d:
    """Halve the height and width."""
    return nn.Conv2d(n_in, n_out, 4, stride=2, padding=1)


def up(n_in: int, n_out: int) -> nn.Sequential:
    """Double the height and width; a resize leaves no checkerboard (Odena et al. 2016, doi:10.23915/distill.00003)."""
    return nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(n_in, n_out, 3, padding=1))
