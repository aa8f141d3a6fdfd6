"""The interface of causal networks of images, and the caches of their convolutions for sampling.

    training    x (B, C, H, W)  ->  parameters (B, K, H, W), each place a function of the places before it
    sampling    place by place; what depends on earlier places alone is cached and not computed again

Both are the same function, so that a draw costs a few small matrix products for each place instead of a pass of the
network. In raster order the rows above are complete and the current row fills from the left. A convolution is

    y[column] = above[column] + sum_(j <= m) W_j h[column - m + j]

where `above`, the terms of the complete rows, the bias and the condition, is computed once for each row, and each place
costs one product of (B, m n_in) with (m n_in, n_out), read from the row's buffer without a copy.
"""

from __future__ import annotations

import abc
import itertools
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.families.autoregressive.networks.masked_layers import ShiftedConv2d


class CausalNetwork(nn.Module, abc.ABC):
    """Image (B, C, H, W) and context (B, M, H, W) -> parameters (B, K, H, W), causal in the order of `order()`."""

    visits: int
    """How often a place is computed while sampling: C where the earlier sub-pixels of a pixel feed its own parameters,
    1 where only earlier pixels do."""

    def __init__(self, size: tuple[int, int], visits: int = 1) -> None:
        super().__init__()
        self.size, self.visits = size, visits

    @abc.abstractmethod
    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """x (B, C, H, W), context (B, M, H, W) -> parameters (B, K, H, W), everything at once."""

    @abc.abstractmethod
    def start(self, context: Tensor) -> Any:
        """A fresh cache for a batch of images whose context is (B, M, H, W); its type is the network's own."""

    @abc.abstractmethod
    def at(self, cache: Any, x: Tensor, row: int, column: int) -> Tensor:
        """Parameters (B, K) at one place, given x at all earlier places and the earlier sub-pixels of this one.

        Places come in the order of `order()`, each `visits` times or fewer; what x holds at later places and
        sub-pixels does not matter. Dropout is off.
        """

    def order(self) -> Sequence[tuple[int, int]]:
        """(row, column) of each place, first to last: raster order unless a network says otherwise."""
        height, width = self.size
        return list(itertools.product(range(height), range(width)))


def rows_above(x: Tensor, row: int, count: int) -> Tensor:
    """The last `count` rows above `row`, (B, C, count, W), zeros where the image has none."""
    return F.pad(x[:, :, max(0, row - count) : row], (0, 0, max(0, count - row), 0))


class RasterCache(abc.ABC):
    """A cache of a network that visits places in raster order, row by row."""

    row = -1

    def at(self, x: Tensor, row: int, column: int) -> Tensor:
        """Parameters (B, K) at a place of x (B, C, H, W)."""
        if row != self.row:
            self.row = row
            self.begin(x, row)
        return self.step(x, column)

    @abc.abstractmethod
    def begin(self, x: Tensor, row: int) -> None:
        """Compute what a new row takes from the complete rows."""

    @abc.abstractmethod
    def step(self, x: Tensor, column: int) -> Tensor:
        """Parameters (B, K) at a column of the row."""


def columns(row: Tensor) -> tuple[Tensor, ...]:
    """A row (B, n, 1, W) -> (B, n) for each of its columns, contiguous."""
    return row.squeeze(2).permute(2, 0, 1).contiguous().unbind(0)


class PixelLinear:
    """A 1 x 1 convolution at one place: (B, n_in) -> (B, n_out)."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        """`weight` (n_out, n_in, 1, 1), `bias` (n_out,)."""
        self.weight = weight[:, :, 0, 0].T.contiguous()
        self.bias = weight.new_zeros(len(weight)) if bias is None else bias

    def __call__(self, h: Tensor) -> Tensor:
        return torch.addmm(self.bias, h, self.weight)


class RowBuffer:
    """The current row of a causal convolution.

    `taps` (n_out, n_in, 1, m) are the weights of the row, the place itself last; `stride` is the convolution's.
    """

    def __init__(self, taps: Tensor, batch: int, width: int, stride: int = 1) -> None:
        n_out, n_in, _, m = taps.shape
        self.weight = taps[:, :, 0].permute(2, 1, 0).reshape(m * n_in, n_out).contiguous()
        self.stride, self.first = stride, m - 1
        self.buffer = taps.new_zeros(batch, width + m - 1, n_in)  # m - 1 columns of zeros pad the left
        flat = self.buffer.flatten(1)
        self.slots = [flat[:, c * n_in : (c + 1) * n_in] for c in range(m - 1, width + m - 1)]
        self.windows = [flat[:, c * n_in : (c + m) * n_in] for c in range(0, width, stride)]
        self.above: tuple[Tensor, ...] = ()

    def begin(self, above: Tensor) -> None:
        """Start a row; `above` (B, n_out, 1, W / stride) has the terms of the complete rows."""
        self.above = columns(above)

    def completed(self) -> Tensor:
        """The input row, all of whose columns are set, (B, n_in, 1, W)."""
        return self.buffer[:, self.first :].permute(0, 2, 1).unsqueeze(2)

    def put(self, column: int, h: Tensor) -> None:
        """Set the input (B, n_in) at a column."""
        self.slots[column].copy_(h)

    def put_pixel(self, x: Tensor, row: int, column: int) -> None:
        """Set the input at a column to the pixel there, and at the column before, whose last sub-pixel is new."""
        for seen in range(max(0, column - 1), column + 1):
            self.put(seen, x[:, :, row, seen])

    def at(self, column: int) -> Tensor:
        """The output (B, n_out) at a column of the input."""
        place = column // self.stride
        return torch.addmm(self.above[place], self.windows[place], self.weight)


class RowHistory:
    """A convolution over the last `kernel[0]` rows, row by row: the rows above are stored from call to call."""

    def __init__(self, convolution: ShiftedConv2d, batch: int, width: int) -> None:
        self.convolution, n_in = convolution, convolution.in_channels
        self.previous = convolution.weight.new_zeros(batch, n_in, convolution.kernel_size[0] - 1, width)

    def push(self, row: Tensor) -> Tensor:
        """Append a row (B, n_in, 1, W) -> the last rows, (B, n_in, kernel[0], W)."""
        rows = torch.cat([self.previous, row], dim=2)
        self.previous = rows[:, :, 1:]
        return rows

    def at(self, row: Tensor) -> Tensor:
        """Append a row (B, n_in, 1, W) -> the row of the output (B, n_out, 1, W / stride)."""
        return self.convolution.over(self.push(row))
