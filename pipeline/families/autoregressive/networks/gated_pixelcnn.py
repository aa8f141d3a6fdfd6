"""Gated PixelCNN: two stacks without a blind spot (van den Oord et al. 2016, arXiv:1606.05328, figure 2).

    vertical    u = W_v * v                       v <- v + tanh(u_1) sigmoid(u_2)            all rows above
    horizontal  g = W_h * h + W_a u + V c         h <- h + W_o [tanh(g_1) sigmoid(g_2)]      and this row's left

Stacked masked kernels have a blind spot above and to the right of a pixel, which the vertical stack, a cone upwards,
covers. Only the horizontal stack has sub-pixels. Residuals on both stacks and a learned bias for each place are not in
the paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.families.autoregressive.networks.causal_network import (
    CausalNetwork,
    PixelLinear,
    RasterCache,
    RowBuffer,
    RowHistory,
    rows_above,
)
from pipeline.families.autoregressive.networks.masked_layers import (
    ContextBias,
    RowConv2d,
    ShiftedConv2d,
    SubPixelConv2d,
)


def gate(u: Tensor) -> Tensor:
    """(B, 2 n, ...) -> (B, n, ...): tanh of one half times sigmoid of the other (eq. 2)."""
    value, door = u.chunk(2, dim=1)
    return value.tanh() * door.sigmoid()


def gate_(u: Tensor) -> Tensor:
    """`gate` of (B, 2 n), overwriting `u`, in half the time."""
    u[:, : u.shape[1] // 2].tanh_()
    return F.glu(u, dim=1)


class GatedPixelCNN(CausalNetwork):
    """Image (B, *shape) and context (B, M, H, W) -> parameters (B, K, H, W).

    With `visits` = C the parameters of each sub-pixel, K / C of them, part-major, see the earlier ones of its pixel;
    with 1 all see earlier pixels alone.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        parameters: int,
        visits: int,
        context: int,
        channels: int,
        layers: int,
        kernel: int,
        dropout: float,
    ) -> None:
        n_in, height, width = shape
        super().__init__((height, width), visits)
        p = kernel // 2
        self.above = ShiftedConv2d(n_in, channels, (p, kernel), (p, p, p, -1))
        self.left = RowConv2d(n_in, channels, p, "A", visits)
        self.places = nn.Parameter(torch.zeros(2, channels, height, width))
        stack = nn.ModuleList(GatedLayer(channels, context, visits, dropout) for _ in range(layers))
        self.layers = cast("Sequence[GatedLayer]", stack)
        self.hidden = SubPixelConv2d(channels, channels, "B", visits)
        self.head = SubPixelConv2d(channels, visits, "B", visits, parts=parameters // visits)
        self.context_bias = ContextBias(context, parameters)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        firsts = (self.above(x) + self.places[0], self.left(x) + self.places[1])
        v, h = (
            first.contiguous(memory_format=torch.channels_last) for first in firsts
        )  # the layout that convolutions read without a copy
        for layer in self.layers:
            v, h = layer(v, h, context)
        return self.context_bias(self.head(F.silu(self.hidden(F.silu(h)))), context)

    def start(self, context: Tensor) -> GatedPixelCNNCache:
        return GatedPixelCNNCache(self, context)

    def at(self, cache: GatedPixelCNNCache, x: Tensor, row: int, column: int) -> Tensor:
        return cache.at(x, row, column)


class GatedLayer(nn.Module):
    """Vertical v and horizontal h, (B, n, H, W) each -> the same."""

    def __init__(self, channels: int, context: int, subpixels: int, dropout: float) -> None:
        super().__init__()
        self.vertical = ShiftedConv2d(channels, 2 * channels, (2, 3), (1, 1, 1, 0))
        self.row = RowConv2d(channels, channels, 1, "B", subpixels, parts=2)
        self.across = nn.Conv2d(2 * channels, 2 * channels, 1, bias=False)
        self.out = SubPixelConv2d(channels, channels, "B", subpixels)
        self.above, self.before = ContextBias(context, 2 * channels), ContextBias(context, 2 * channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, v: Tensor, h: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        up = self.above(self.vertical(v), context)
        mixed = self.before(self.row(h) + self.across(up), context)
        return v + self.dropout(gate(up)), h + self.dropout(self.out(gate(mixed)))


class GatedPixelCNNCache(RasterCache):
    """The current row of each layer; the vertical stack is computed a whole row at a time."""

    def __init__(self, network: GatedPixelCNN, context: Tensor) -> None:
        self.above = network.above
        self.left = RowBuffer(network.left.taps(), len(context), context.shape[3])
        self.places = (network.places[:1], network.places[1:] + network.left.bias[:, None, None])  # (1, n, H, W) each
        self.layers = [GatedLayerCache(layer, context) for layer in network.layers]
        self.hidden, self.head = (
            PixelLinear(network.hidden.dense(), network.hidden.bias),
            PixelLinear(network.head.dense(), network.head.bias),
        )
        self.context_bias = network.context_bias.table(context)  # (B, K, H, W)

    def begin(self, x: Tensor, row: int) -> None:
        bias_above, bias_left = (bias[:, :, row : row + 1] for bias in self.places)
        self.left.begin(bias_left.expand(len(x), -1, -1, -1))
        v = self.above.over(rows_above(x, row, self.above.kernel_size[0])) + bias_above
        for layer in self.layers:
            v = layer.begin(v, row)

    def step(self, x: Tensor, column: int) -> Tensor:
        self.left.put_pixel(x, self.row, column)
        h = self.left.at(column)
        for layer in self.layers:
            h = layer.at(h, column)
        return self.head(F.silu(self.hidden(F.silu(h)))) + self.context_bias[:, :, self.row, column]


class GatedLayerCache:
    """The current row of one layer."""

    def __init__(self, layer: GatedLayer, context: Tensor) -> None:
        batch, width = len(context), context.shape[3]
        self.vertical, self.across = RowHistory(layer.vertical, batch, width), layer.across
        self.line, self.out = RowBuffer(layer.row.taps(), batch, width), PixelLinear(layer.out.dense(), layer.out.bias)
        self.above = layer.above.table(context)  # (B, 2 n, H, W)
        self.before = layer.before.table(context) + layer.row.bias[:, None, None]

    def begin(self, v: Tensor, row: int) -> Tensor:
        """v (B, n, 1, W) of this row -> the next layer's."""
        up = self.vertical.at(v) + self.above[:, :, row : row + 1]
        self.line.begin(self.across(up) + self.before[:, :, row : row + 1])
        return v + gate(up)

    def at(self, h: Tensor, column: int) -> Tensor:
        self.line.put(column, h)
        return h + self.out(gate_(self.line.at(column)))
