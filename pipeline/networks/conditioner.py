"""What a coupling's network sees: the part of x that stays, and the context."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.networks.conv import residual_network
from pipeline.networks.mlp import Fourier, mlp, silent


class VectorConditioner(nn.Module):
    """(x (B, D), h (B, V)) -> (B, n_out), zero at the start."""

    def __init__(self, n_in: int, context: int, n_out: int, width: int, depth: int, octaves: int) -> None:
        super().__init__()
        self.embed = Fourier(octaves)
        self.net = silent(mlp(self.embed.width(n_in) + context, n_out, width, depth))

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        out: Tensor = self.net(torch.cat([self.embed(x), h], dim=1))
        return out


class MapConditioner(nn.Module):
    """(x (B, C, H, W), h (B, M, ...)) -> (B, n_out, H, W), zero at the start; h is averaged down to x's size."""

    def __init__(self, n_in: int, context: int, n_out: int, channels: int, blocks: int) -> None:
        super().__init__()
        self.net = silent(residual_network(n_in + context, n_out, channels, blocks))

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        seen = torch.cat([x, F.adaptive_avg_pool2d(h, (height, width))], dim=1) if h.shape[1] else x
        out: Tensor = self.net(seen)
        return out
