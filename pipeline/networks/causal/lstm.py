"""The two recurrent layers of PixelRNN (van den Oord, Kalchbrenner & Kavukcuoglu 2016, arXiv:1601.06759, section 3).

    [o, f, i, g] = (sigmoid, sigmoid, sigmoid, tanh)(K_ss h_before + K_is x),    c = f c_before + i g,    h = o tanh(c)

    row LSTM            before = the row above, three pixels of it: a triangle above the pixel
    diagonal BiLSTM     before = the pixels to the left and above: everything to the upper left; a second LSTM comes
                        from the right, one row up, and sees everything to the upper right

K_is looks through mask B at a pixel's own features, which form C groups, one for each sub-pixel, and sees the context.
Features are channels-last, (B, H, W, 2 n) for n units; states outside the image are zero.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.networks.causal.linear import MaskedLinear, mask_b
from pipeline.networks.causal.taps import groups

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
