"""The U-Net of the papers on CIFAR-10: widths as multiples, self-attention at chosen sizes, a skip for each block.

    conv -> [block, attention] x n, halve, ... -> block, attention, block
         -> [block, attention] x (n + 1), double, ... -> head

Each output of the way down, those of the halvings included, is concatenated to the input of one block on the way up,
so that a size has one more block there. The time is added to the features of a block (Ho et al. 2020,
arXiv:2006.11239, appendix B) or scales and shifts them after normalisation (Dhariwal & Nichol 2021, arXiv:2105.05233,
appendix E). With 128 channels, widths (1, 2, 2, 2), two blocks and attention at 16 x 16 it is the network of Ho et al.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.contract import Event
from pipeline.families.diffusion.networks.unet import SelfAttention, TimedNetwork, TimedResidual
from pipeline.networks.condition import Context
from pipeline.networks.layers import check_halvings, norm, zero_init

PERIOD = 10_000.0  # the longest period of the time's sines, in units of 2 pi steps of a thousand


class AddedTimeResidual(nn.Module):
    """(h (B, n_in, H, W), time (B, E)) -> (B, n_out, H, W); the time is added between the convolutions."""

    def __init__(self, n_in: int, n_out: int, time: int, dropout: float) -> None:
        super().__init__()
        self.before, self.first = norm(n_in), nn.Conv2d(n_in, n_out, 3, padding=1)
        self.between, self.second = norm(n_out), zero_init(nn.Conv2d(n_out, n_out, 3, padding=1))
        self.shift, self.dropout = nn.Linear(time, n_out), nn.Dropout(dropout)
        self.skip = nn.Conv2d(n_in, n_out, 1) if n_in != n_out else nn.Identity()

    def forward(self, h: Tensor, time: Tensor) -> Tensor:
        change = self.first(F.silu(self.before(h))) + self.shift(time)[:, :, None, None]
        out: Tensor = self.skip(h) + self.second(self.dropout(F.silu(self.between(change))))
        return out


class AttentiveBlock(nn.Module):
    """A residual block, then self-attention if `heads` is above 0: (h (B, n_in, H, W), time (B, E)) -> n_out maps."""

    def __init__(self, residual: nn.Module, n_out: int, heads: int) -> None:
        super().__init__()
        self.residual = residual
        self.attention = SelfAttention(n_out, heads) if heads else nn.Identity()

    def forward(self, h: Tensor, time: Tensor) -> Tensor:
        out: Tensor = self.attention(self.residual(h, time))
        return out


class PublishedUNet(TimedNetwork):
    """(z (B, C, H, W), t (B,) in [0, 1], context) -> (B, C, H, W), zero at the start.

    Args:
        event: the images.
        vector: width of the context's vector, which is added to the embedded time.
        maps: channels of the context's map, which are concatenated to z.
        channels: feature maps that `widths` multiply; even.
        widths: feature maps at each size, finest first, as multiples of `channels`; each size after the first is half
            of the one before.
        blocks: residual blocks at each size on the way down, from 1; one more on the way up.
        attention: heights at which each block is followed by attention.
        heads: attention heads, from 1; they divide the feature maps.
        dropout: probability that a feature is set to zero while training, in [0, 1).
        scale: whether the time also scales the features.

    Raises:
        ValueError: the height or the width cannot be halved so often.
    """

    frequencies: Tensor

    def __init__(
        self,
        event: Event,
        vector: int,
        maps: int,
        *,
        channels: int,
        widths: tuple[int, ...],
        blocks: int,
        attention: tuple[int, ...],
        heads: int,
        dropout: float = 0.0,
        scale: bool = False,
    ) -> None:
        half, timed = channels // 2, 4 * channels
        super().__init__(2 * half, vector, timed)
        depth, height, width = event.shape
        halvings = len(widths) - 1
        check_halvings((height, width), halvings)
        residual = TimedResidual if scale else AddedTimeResidual

        def block(n_in: int, n_out: int, size: int) -> AttentiveBlock:
            return AttentiveBlock(residual(n_in, n_out, timed, dropout), n_out, heads if size in attention else 0)

        rates = torch.exp(-math.log(PERIOD) * torch.arange(half) / max(1, half - 1))
        self.register_buffer("frequencies", 1000 * rates, persistent=False)
        self.first = nn.Conv2d(depth + maps, channels, 3, padding=1)
        n, seen = channels, [channels]
        self.shrink = nn.ModuleList()
        for level, multiple in enumerate(widths):
            if level:
                self.shrink.append(nn.Conv2d(n, n, 3, stride=2, padding=1))
                seen.append(n)
            for _ in range(blocks):
                self.shrink.append(block(n, channels * multiple, height >> level))
                n = channels * multiple
                seen.append(n)
        bottom = residual(n, n, timed, dropout)
        self.middle = nn.ModuleList([AttentiveBlock(bottom, n, max(1, heads)), residual(n, n, timed, dropout)])
        self.grow = nn.ModuleList()
        for level, multiple in reversed(list(enumerate(widths))):
            for _ in range(blocks + 1):
                self.grow.append(block(n + seen.pop(), channels * multiple, height >> level))
                n = channels * multiple
            if level:
                self.grow.append(nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(n, n, 3, padding=1)))
        self.head = nn.Sequential(norm(n), nn.SiLU(), zero_init(nn.Conv2d(n, depth, 3, padding=1)))

    def forward(self, z: Tensor, t: Tensor, context: Context) -> Tensor:
        angles = t[:, None] * self.frequencies
        time = self.embedding(torch.cat([angles.sin(), angles.cos()], dim=1), context.vector)
        h: Tensor = self.first(torch.cat([z, context.map], dim=1))
        seen = [h]
        for layer in self.shrink:
            h = layer(h, time) if isinstance(layer, AttentiveBlock) else layer(h)
            seen.append(h)
        for layer in self.middle:
            h = layer(h, time)
        for layer in self.grow:
            h = layer(torch.cat([h, seen.pop()], dim=1), time) if isinstance(layer, AttentiveBlock) else layer(h)
        out: Tensor = self.head(h)
        return out
