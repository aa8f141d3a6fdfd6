"""The two streams of PixelCNN++ and their gated residual blocks (Salimans et al. 2017, arXiv:1701.05517, section 2).

    v (rows above)   2 x 3 convolutions over this row of v and the one above
    h (all before)   2 x 2 convolutions over this place of h, the one to its left, and the two above them; sees v

v at row r knows the rows above r, h at a place knows all places before it. A halved place (i, j) stands at (2 i, 2 j),
knows what that place knows, and speaks to (2 i .. 2 i + 1, 2 j .. 2 j + 1): causal still.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.networks.causal.taps import ContextBias, ShiftedConv2d

Shape = tuple[tuple[int, int], tuple[int, int, int, int]]
"""Kernel and padding of a convolution."""
Features = tuple[Tensor, Tensor]
"""v and h of one resolution, (B, n, H, W) each."""
ROWS: Shape = ((2, 3), (1, 1, 1, 0))  # of v
PLACES: Shape = ((2, 2), (1, 0, 1, 0))  # of h


def concat_elu(h: Tensor) -> Tensor:
    """(B, n, ...) -> (B, 2 n, ...): elu of h and of -h, so that no unit is ever off."""
    return F.elu(torch.cat([h, -h], dim=1))


class GatedResidual(nn.Module):
    """h (B, n, H, W) and `looks` other features, (B, n, H, W) each -> (B, n, H, W)."""

    def __init__(self, shape: Shape, n: int, looks: int, context: int, dropout: float) -> None:
        super().__init__()
        self.enter, self.leave = ShiftedConv2d(2 * n, n, *shape), ShiftedConv2d(2 * n, 2 * n, *shape)
        self.looks = nn.ModuleList(nn.Conv2d(2 * n, n, 1, bias=False) for _ in range(looks))
        self.condition = ContextBias(context, 2 * n)
        self.dropout = nn.Dropout(dropout)
        with torch.no_grad():
            self.leave.weight.mul_(0.1)  # the paper's: a deep network starts close to the identity

    def forward(self, h: Tensor, seen: tuple[Tensor, ...], context: Tensor) -> Tensor:
        inner = self.enter(concat_elu(h))
        for look, other in zip(self.looks, seen, strict=True):
            inner = inner + look(concat_elu(other))
        u = self.condition(self.leave(self.dropout(concat_elu(inner))), context)
        return h + F.glu(u, dim=1)


class Level(nn.Module):
    """The blocks of one resolution: `blocks` of each stream on the way down, `back` on the way up."""

    def __init__(self, n: int, context: int, blocks: int, back: int, dropout: float) -> None:
        super().__init__()

        def stack(shape: Shape, looks: int, count: int) -> Sequence[GatedResidual]:
            blocks = nn.ModuleList(GatedResidual(shape, n, looks, context, dropout) for _ in range(count))
            return cast("Sequence[GatedResidual]", blocks)

        self.v_down, self.h_down = stack(ROWS, 0, blocks), stack(PLACES, 1, blocks)
        self.v_up, self.h_up = stack(ROWS, 1, back), stack(PLACES, 2, back)

    def down(self, v: Tensor, h: Tensor, context: Tensor) -> Iterator[Features]:
        for v_block, h_block in zip(self.v_down, self.h_down, strict=True):
            v = v_block(v, (), context)
            h = h_block(h, (v,), context)
            yield v, h

    def up(self, v: Tensor, h: Tensor, skips: list[Features], context: Tensor) -> Features:
        for v_block, h_block in zip(self.v_up, self.h_up, strict=True):
            v_skip, h_skip = skips.pop()
            v = v_block(v, (v_skip,), context)
            h = h_block(h, (v, h_skip), context)
        return v, h


class Halving(nn.Module):
    """To half the resolution and back, on both streams."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.v_down, self.h_down = ShiftedConv2d(n, n, *ROWS, stride=2), ShiftedConv2d(n, n, *PLACES, stride=2)
        self.v_up = nn.ConvTranspose2d(n, n, (2, 3), stride=2, padding=(0, 1), output_padding=(0, 1))
        self.h_up = nn.ConvTranspose2d(n, n, 2, stride=2)
