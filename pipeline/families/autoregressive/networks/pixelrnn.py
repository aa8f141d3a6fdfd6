"""PixelRNN: recurrent layers between masked ones, and its two layers, row LSTM and diagonal BiLSTM.

    [o, f, i, g] = (sigmoid, sigmoid, sigmoid, tanh)(K_ss h_before + K_is x),    c = f c_before + i g,    h = o tanh(c)

    row LSTM            before = three pixels of the row above: a triangle above the pixel
    diagonal BiLSTM     before = the pixels to the left and above: everything to the upper left; a second LSTM comes
                        from the right, one row up, and sees everything to the upper right

K_is is masked (mask B) at a pixel's own features, which form C groups, one for each sub-pixel, and sees the context.
Features are channels-last, (B, H, W, 2 n) for n units; states outside the image are zero.

A learned bias for each place separates the border from mid-grey, which zero padding does not, and makes the network
depend on the position. Mask A hides a pixel from its own features, so that the last pixel of a row, which has no
neighbour to the right, would be missing in what the LSTM from the right passes to the row below: `edge` adds it there.

References:
    van den Oord, Kalchbrenner & Kavukcuoglu 2016, arXiv:1601.06759, section 3 and table 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.contract import Event
from pipeline.families.autoregressive.networks.causal_network import CausalNetwork, Line, rows_above
from pipeline.families.autoregressive.networks.masked_layers import MaskedConv2d, MaskedLinear, groups, mask_b

SHUT = -1e4  # what the gates outside the image get: their sigmoid is 0, and so is the state there


def lstm(gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """Gates (..., 4 n) = o, f, i, g and the cell before (..., n) -> the state and the cell."""
    units = cell.shape[-1]
    o, f, i = gates[..., : 3 * units].sigmoid().split(units, dim=-1)
    cell = f * cell + i * gates[..., 3 * units :].tanh()
    return o * cell.tanh(), cell


def skew(x: Tensor, fill: float) -> Tensor:
    """(..., H, W, F) -> (..., H, H + W - 1, F): each row one further to the right than the row above."""
    height, width = x.shape[-3:-1]
    flat = F.pad(x, (0, 0, 0, height), value=fill).flatten(-3, -2)
    return flat[..., : height * (height + width - 1), :].unflatten(-2, (height, height + width - 1))


def unskew(x: Tensor) -> Tensor:
    """The inverse of `skew`."""
    height, width = x.shape[-3], x.shape[-2] - x.shape[-3] + 1
    flat = F.pad(x.flatten(-3, -2), (0, 0, 0, height))
    return flat.unflatten(-2, (height, height + width))[..., :width, :]


class RowMemory(NamedTuple):
    """A row LSTM's past while sampling, with a border of zeros above, to the left and to the right."""

    context: Tensor
    """(B, H, W, M)"""
    features: Tensor
    """(B, H, W + 1, 2 n)"""
    states: Tensor
    """(B, H + 1, W + 2, n)"""
    cells: Tensor
    """(B, H + 1, W, n)"""


class RowLSTM(nn.Module):
    """(B, H, W, 2 n) -> the same: K_is 3 x 1 of which mask B leaves two taps, K_ss 3 x 1, and a skip around it."""

    def __init__(self, units: int, context: int, subpixels: int, dropout: float) -> None:
        super().__init__()
        self.units, features, hidden = units, groups(2 * units, subpixels), groups(units, subpixels)
        left, here = torch.ones(4 * units, 2 * units), mask_b(features, hidden.repeat(4))
        self.input = MaskedLinear(torch.cat([left, here, torch.ones(4 * units, context)], dim=1))
        self.state = nn.Linear(3 * units, 4 * units, bias=False)
        self.expand = MaskedLinear(mask_b(hidden, features))
        self.dropout = nn.Dropout(dropout)

    def forward(self, h: Tensor, context: Tensor) -> Tensor:
        left = F.pad(h[:, :, :-1], (0, 0, 1, 0))
        gates = self.input(torch.cat([left, h, context], dim=-1))
        cell = state = h.new_zeros(len(h), h.shape[2], self.units)
        states = []
        for row in gates.unbind(1):
            above = F.pad(state, (0, 0, 1, 1)).unfold(1, 3, 1).flatten(2)  # (B, W, 3 n)
            state, cell = lstm(row + self.state(above), cell)
            states.append(state)
        return h + self.dropout(self.expand(torch.stack(states, dim=1)))

    def start(self, context: Tensor) -> RowMemory:
        batch, height, width, _ = context.shape
        features = context.new_zeros(batch, height, width + 1, 2 * self.units)
        states = context.new_zeros(batch, height + 1, width + 2, self.units)
        return RowMemory(context, features, states, states[:, :, 2:].clone())

    def at(self, memory: RowMemory, h: Tensor, row: int, column: int) -> Tensor:
        """h (B, 2 n) at one place -> the same; the places before it have been."""
        memory.features[:, row, column + 1] = h
        near = memory.features[:, row, column : column + 2].flatten(1)
        above = memory.states[:, row, column : column + 3].transpose(1, 2).flatten(1)
        gates = self.input(torch.cat([near, memory.context[:, row, column]], dim=-1)) + self.state(above)
        state, cell = lstm(gates, memory.cells[:, row, column])
        memory.states[:, row + 1, column + 1], memory.cells[:, row + 1, column] = state, cell
        return h + self.expand(state)


class DiagonalMemory(NamedTuple):
    """A diagonal BiLSTM's past while sampling; both of its LSTMs, with a border of zeros around their states."""

    context: Tensor
    """(B, H, W, M)"""
    gates: Tensor
    """(B, H, W, 4 n): K_is x of the LSTM from the right, which takes a row when it is complete."""
    states: Tensor
    """(2, B, H + 1, W + 2, n)"""
    cells: Tensor
    """(2, B, H + 1, W + 2, n)"""


class DiagonalBiLSTM(nn.Module):
    """(B, H, W, 2 n) -> the same, with a skip around it; both LSTMs take a diagonal of all rows at once."""

    def __init__(self, units: int, context: int, subpixels: int, dropout: float) -> None:
        super().__init__()
        self.units, features, hidden = units, groups(2 * units, subpixels), groups(units, subpixels)
        here = mask_b(features, hidden.repeat(8))
        self.input = MaskedLinear(torch.cat([here, torch.ones(8 * units, context)], dim=1))
        self.state = nn.Parameter((torch.rand(2, 2 * units, 4 * units) - 0.5) / units**0.5)
        self.expand = MaskedLinear(mask_b(hidden, features))
        self.dropout = nn.Dropout(dropout)

    def forward(self, h: Tensor, context: Tensor) -> Tensor:
        from_left, from_right = self.input(torch.cat([h, context], dim=-1)).chunk(2, dim=-1)
        gates = skew(torch.stack([from_left, from_right.flip(2)]), SHUT)  # (2, B, H, S, 4 n)
        states = unskew(self._diagonals(gates))  # (2, B, H, W, n)
        row_up = F.pad(states[1].flip(2)[:, :-1], (0, 0, 0, 0, 1, 0))
        return h + self.dropout(self.expand(states[0] + row_up))

    def _diagonals(self, gates: Tensor) -> Tensor:
        """(2, B, H, S, 4 n) -> (2, B, H, S, n)."""
        cell = state = gates.new_zeros(*gates.shape[:3], self.units)
        states = []
        for diagonal in gates.movedim(3, 0).flatten(2, 3).contiguous():  # (2, B H, 4 n)
            above = F.pad(state[:, :, :-1], (0, 0, 1, 0))
            before = torch.cat([state, above], dim=-1).flatten(1, 2)  # (2, B H, 2 n)
            state, cell = lstm(torch.baddbmm(diagonal, before, self.state).view(*cell.shape[:3], -1), cell)
            states.append(state)
        return torch.stack(states, dim=3)

    def start(self, context: Tensor) -> DiagonalMemory:
        batch, height, width, _ = context.shape
        gates = context.new_empty(batch, height, width, 4 * self.units)
        states = context.new_zeros(2, batch, height + 1, width + 2, self.units)
        return DiagonalMemory(context, gates, states, states.clone())

    def at(self, memory: DiagonalMemory, h: Tensor, row: int, column: int) -> Tensor:
        """h (B, 2 n) at one place -> the same; the places before it have been."""
        seen = torch.cat([h, memory.context[:, row, column]], dim=-1)
        gates, memory.gates[:, row, column] = self.input(seen).chunk(2, dim=-1)
        if row and not column:  # the row above is complete
            for last in reversed(range(memory.gates.shape[2])):
                self._advance(memory, 1, memory.gates[:, row - 1, last], row - 1, last)
        state = self._advance(memory, 0, gates, row, column) + memory.states[1, :, row, column + 1]
        return h + self.expand(state)

    def _advance(self, memory: DiagonalMemory, direction: int, gates: Tensor, row: int, column: int) -> Tensor:
        """One step of one LSTM; the border shifts rows and columns by one."""
        states, cells = memory.states[direction], memory.cells[direction]
        beside = column + 2 * direction
        before = torch.cat([states[:, row + 1, beside], states[:, row, column + 1]], dim=-1)
        state, cell = lstm(torch.addmm(gates, before, self.state[direction]), cells[:, row + 1, beside])
        states[:, row + 1, column + 1], cells[:, row + 1, column + 1] = state, cell
        return state


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
