"""PixelCNN++: gated residual blocks on two streams, with halvings and skip connections between equal resolutions
(Salimans, Karpathy, Chen & Kingma 2017, arXiv:1701.05517, figure 2).

The sub-pixels of a pixel are drawn together, from a mixture, so the streams need no sub-pixel masks. The size of the
first kernel and a learned bias for each place are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.networks.causal.line import Line, Product, Scan, rows_above
from pipeline.networks.causal.network import CausalNetwork
from pipeline.networks.causal.residual import Halving, Level
from pipeline.networks.causal.streams import Streams
from pipeline.networks.causal.taps import MaskedConv2d, ShiftedConv2d


class PixelCNNPlusPlus(CausalNetwork):
    """Image (B, C, H, W) and context (B, M, H, W) -> parameters (B, width, H, W) of each pixel's distribution.

    As many of the `halvings` as the image's sides allow; `blocks` for each resolution and direction.
    """

    def __init__(self, shape: tuple[int, ...], width: int, context: int, channels: int, blocks: int, halvings: int,
                 kernel: int, dropout: float) -> None:  # fmt: skip
        super().__init__((shape[1], shape[2]))
        while shape[1] % 2**halvings or shape[2] % 2**halvings:
            halvings -= 1
        n, p = channels, kernel // 2
        self.v_first = ShiftedConv2d(shape[0], n, (p, kernel), (p, p, p, -1))
        self.h_first = MaskedConv2d(shape[0], n, kernel, "A")
        self.places = nn.Parameter(torch.zeros(2, n, *self.size))
        backs = [blocks + (level < halvings) for level in range(halvings + 1)]
        levels = nn.ModuleList(Level(n, context, blocks, back, dropout) for back in backs)
        self.levels = cast("Sequence[Level]", levels)
        self.halvings = cast("Sequence[Halving]", nn.ModuleList(Halving(n) for _ in range(halvings)))
        self.head = nn.Conv2d(n, width, 1)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        contexts = [context[:, :, :: 2**level, :: 2**level] for level in range(len(self.levels))]
        v, h = self.v_first(x) + self.places[0], self.h_first(x) + self.places[1]
        skips = [(v, h)]
        for level, blocks in enumerate(self.levels):
            skips += blocks.down(*skips[-1], contexts[level])
            if level < len(self.halvings):
                halving = self.halvings[level]
                skips.append((halving.v_down(skips[-1][0]), halving.h_down(skips[-1][1])))
        v, h = skips.pop()
        for level in reversed(range(len(self.levels))):
            v, h = self.levels[level].up(v, h, skips, contexts[level])
            if level:
                v, h = self.halvings[level - 1].v_up(v), self.halvings[level - 1].h_up(h)
        return self.head(F.elu(h))

    def start(self, context: Tensor) -> Lines:
        return Lines(self, context)

    def at(self, cache: Lines, x: Tensor, row: int, column: int) -> Tensor:
        return cache.at(x, row, column)


class Lines(Scan):
    """The row of each layer that an image is drawn through."""

    def __init__(self, network: PixelCNNPlusPlus, context: Tensor) -> None:
        self.v_above, self.h_above = network.v_first, network.h_first.above
        row = network.h_first.row
        self.first = Line(row.taps(), len(context), context.shape[3])
        self.places = network.places[:1], network.places[1:] + row.bias[:, None, None]  # (1, n, H, W) each
        self.streams = Streams(network.levels, network.halvings, context)
        self.head = Product(network.head.weight, network.head.bias)

    def begin(self, x: Tensor, row: int) -> None:
        rows = rows_above(x, row, self.v_above.kernel_size[0])
        v_place, h_place = (bias[:, :, row : row + 1] for bias in self.places)
        self.first.begin(self.h_above.over(rows) + h_place)
        self.streams.begin(self.v_above.over(rows) + v_place, row)

    def step(self, x: Tensor, column: int) -> Tensor:
        self.first.look(x, self.row, column)
        return self.head(F.elu(self.streams.at(self.first.at(column), self.row, column)))
