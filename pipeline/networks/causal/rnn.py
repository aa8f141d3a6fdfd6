"""PixelRNN: recurrent layers between masked ones (van den Oord et al. 2016, arXiv:1601.06759, table 1).

A learned bias for each place tells the border from mid-grey, which zero padding does not, and centred from not. Mask A
hides a pixel from its own features, so the last pixel of a row, which has no neighbour to the right, would be missing
in what the LSTM from the right says to the row below: `edge` tells it to that row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.contract import Event
from pipeline.networks.causal.line import Line, rows_above
from pipeline.networks.causal.linear import MaskedLinear, mask_b
from pipeline.networks.causal.lstm import DiagonalBiLSTM, RowLSTM
from pipeline.networks.causal.network import CausalNetwork
from pipeline.networks.causal.taps import MaskedConv2d, groups


class PixelRNN(CausalNetwork):
    """Image (B, C, H, W) and context (B, M, H, W) -> logits (B, L C, H, W), level-major.

    A convolution with mask A, recurrent layers of `units` (the paper's h, of 2 h features), two 1 x 1 with mask B.
    """

    def __init__(
        self,
        event: Event,
        context: int,
        layer: type[RowLSTM | DiagonalBiLSTM],
        units: int,
        layers: int,
        kernel: int,
        dropout: float,
    ) -> None:
        subpixels, height, width = event.shape
        super().__init__((height, width), visits=subpixels)
        features = groups(2 * units, subpixels)
        self.first = MaskedConv2d(subpixels, 2 * units, kernel, "A", subpixels)
        self.place = nn.Parameter(torch.zeros(2 * units, height, width))
        whole = layer is DiagonalBiLSTM
        self.edge = nn.Conv2d(subpixels, 2 * units, 1, bias=False) if whole else None
        stack = nn.ModuleList(layer(units, context, subpixels, dropout) for _ in range(layers))
        self.layers = cast("Sequence[RowLSTM | DiagonalBiLSTM]", stack)
        hidden = MaskedLinear(mask_b(features, features))
        logits = MaskedLinear(mask_b(features, torch.arange(subpixels).repeat(event.grid)))
        self.head = nn.Sequential(nn.SiLU(), hidden, nn.SiLU(), logits)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        h = self.first(x) + self.place
        if self.edge is not None:
            h = h + self.edge(F.pad(x[:, :, :, -1:], (0, 0, 1, -1)))
        h = h.movedim(1, -1)  # (B, H, W, 2 n)
        for layer in self.layers:
            h = layer(h, context.movedim(1, -1))
        return self.head(h).movedim(-1, 1)

    def start(self, context: Tensor) -> Past:
        return Past(self, context)

    def at(self, cache: Past, x: Tensor, row: int, column: int) -> Tensor:
        h = cache.look(x, row, column)
        for layer, memory in zip(self.layers, cache.memories, strict=True):
            h = layer.at(memory, h, row, column)
        return self.head(h)


class Past:
    """What sampling keeps of a batch: the row that the first layer is in, and each recurrent layer's memory."""

    def __init__(self, network: PixelRNN, context: Tensor) -> None:
        first = network.first
        self.row, self.above, self.edge = -1, first.above, network.edge
        self.line = Line(first.row.taps(), len(context), context.shape[3])
        self.bias = network.place + first.row.bias[:, None, None]  # (2 n, H, W)
        self.memories: list[Any] = [layer.start(context.movedim(1, -1)) for layer in network.layers]

    def look(self, x: Tensor, row: int, column: int) -> Tensor:
        """The first layer's features (B, 2 n) at a place."""
        if row != self.row:
            self._begin(x, row)
        self.line.look(x, row, column)
        return self.line.at(column)

    def _begin(self, x: Tensor, row: int) -> None:
        self.row, rows = row, rows_above(x, row, self.above.kernel_size[0])
        above = self.above.over(rows) + self.bias[:, row : row + 1]
        self.line.begin(above if self.edge is None else above + self.edge(rows[:, :, -1:, -1:]))
