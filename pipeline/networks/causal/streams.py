"""The two streams of PixelCNN++ while an image is drawn: v moves a row at a time, h a place at a time.

A halved row is computed once, at the even row that it stands at, a halved place at the even row and column; what it
says to the three places beside and below it waits for them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.networks.causal.line import Line, Product, Rows
from pipeline.networks.causal.residual import GatedResidual, Halving, Level, concat_elu
from pipeline.networks.causal.taps import ShiftedConv2d


class Corner(Line):
    """A 2 x 2 convolution over this place, the one to its left, and the two above them."""

    def __init__(self, convolution: ShiftedConv2d, batch: int, width: int) -> None:
        super().__init__(convolution.weight[:, :, 1:], batch, width, convolution.stride[0])
        self.over, self.bias, self.strides = convolution.weight[:, :, :1], convolution.bias, convolution.stride

    def turn(self, more: Tensor | float = 0.0) -> None:
        """Start the next row: what the finished one says, and `more` (B, n_out, 1, W / stride)."""
        above = F.conv2d(F.pad(self.finished(), (1, 0)), self.over, self.bias, self.strides)
        self.begin(above + more)


class RowBlock:
    """A residual block of v, row by row."""

    def __init__(self, block: GatedResidual, context: Tensor) -> None:
        batch, width = len(context), context.shape[3]
        self.enter, self.leave = Rows(block.enter, batch, width), Rows(block.leave, batch, width)
        self.looks = list(block.looks)
        self.table = block.condition.table(context)  # (B, 2 n, H, W)

    def at(self, v: Tensor, seen: tuple[Tensor, ...], row: int) -> Tensor:
        inner = self.enter.at(concat_elu(v))
        for look, other in zip(self.looks, seen, strict=True):
            inner = inner + look(concat_elu(other))
        return v + F.glu(self.leave.at(concat_elu(inner)) + self.table[:, :, row : row + 1], dim=1)


class PlaceBlock:
    """A residual block of h, place by place; it looks at v, a row at a time, and perhaps at an earlier h."""

    def __init__(self, block: GatedResidual, context: Tensor) -> None:
        batch, width = len(context), context.shape[3]
        self.enter, self.leave = Corner(block.enter, batch, width), Corner(block.leave, batch, width)
        self.look, *skips = block.looks
        self.skips = [Product(look.weight) for look in cast("list[nn.Conv2d]", skips)]
        self.table = block.condition.table(context)  # (B, 2 n, H, W)

    def begin(self, v: Tensor, row: int) -> None:
        self.enter.turn(self.look(concat_elu(v)))
        self.leave.turn(self.table[:, :, row : row + 1])

    def at(self, h: Tensor, column: int, *seen: Tensor) -> Tensor:
        self.enter.put(column, concat_elu(h))
        inner = self.enter.at(column)
        for skip, other in zip(self.skips, seen, strict=True):
            inner = inner + skip(concat_elu(other))
        self.leave.put(column, concat_elu(inner))
        return h + F.glu(self.leave.at(column), dim=1)


class LevelLines:
    """The blocks of one resolution."""

    def __init__(self, level: Level, context: Tensor) -> None:
        self.v_down, self.v_up = ([RowBlock(b, context) for b in blocks] for blocks in (level.v_down, level.v_up))
        self.h_down, self.h_up = ([PlaceBlock(b, context) for b in blocks] for blocks in (level.h_down, level.h_up))


class HalvingLines:
    """Between two resolutions; `second` and `said` wait for the places that are not at an even row and column."""

    def __init__(self, halving: Halving, batch: int, width: int) -> None:
        self.v_down, self.v_up = Rows(halving.v_down, batch, width), halving.v_up
        self.h_down = Corner(halving.h_down, batch, width)
        weight = halving.h_up.weight.permute(2, 3, 1, 0).flatten(0, 2)[:, :, None, None]  # (2 2 n, n, 1, 1)
        assert halving.h_up.bias is not None
        self.h_up = Product(weight, halving.h_up.bias.repeat(4))
        self.second = torch.empty(0)
        self.said: list[list[Tensor]] = [[torch.empty(0)] * width for _ in range(2)]

    def widen(self, v: Tensor) -> Tensor:
        """A halved row -> the even row that it stands at."""
        first, self.second = self.v_up(v).split(1, dim=2)
        return first

    def speak(self, h: Tensor, column: int) -> Tensor:
        """A halved place -> the place that it stands at."""
        for i, said in enumerate(self.h_up(h).chunk(4, dim=1)):
            self.said[i // 2][2 * column + i % 2] = said
        return self.said[0][2 * column]


class Streams:
    """All resolutions."""

    def __init__(self, levels: Iterable[Level], halvings: Iterable[Halving], context: Tensor) -> None:
        batch, width = len(context), context.shape[3]
        self.levels = [LevelLines(level, context[:, :, :: 2**i, :: 2**i]) for i, level in enumerate(levels)]
        self.halvings = [HalvingLines(halving, batch, width >> i) for i, halving in enumerate(halvings)]

    def deepest(self, *at: int) -> int:
        """The lowest resolution that has a place at these coordinates."""
        return next((i for i in range(len(self.halvings)) if any((a >> i) % 2 for a in at)), len(self.halvings))

    def begin(self, v: Tensor, row: int) -> None:
        """Take v (B, n, 1, W) of a new row through all layers."""
        deepest, skips = self.deepest(row), [v]
        for i, level in enumerate(self.levels[: deepest + 1]):
            for block, place in zip(level.v_down, level.h_down, strict=True):
                v = block.at(v, (), row >> i)
                place.begin(v, row >> i)
                skips.append(v)
            if i < deepest:
                self.halvings[i].h_down.turn()
                v = self.halvings[i].v_down.at(v)
                skips.append(v)
            elif i < len(self.halvings):
                self.halvings[i].v_down.keep(v)
        v = skips.pop() if deepest == len(self.halvings) else self.halvings[deepest].second
        for i in range(deepest, -1, -1):
            for block, place in zip(self.levels[i].v_up, self.levels[i].h_up, strict=True):
                v = block.at(v, (skips.pop(),), row >> i)
                place.begin(v, row >> i)
            if i:
                v = self.halvings[i - 1].widen(v)

    def at(self, h: Tensor, row: int, column: int) -> Tensor:
        """Take h (B, n) of a place through all layers."""
        deepest, skips = self.deepest(row, column), [h]
        for i, level in enumerate(self.levels[: deepest + 1]):
            for block in level.h_down:
                h = block.at(h, column >> i)
                skips.append(h)
            if i < len(self.halvings):
                self.halvings[i].h_down.put(column >> i, h)
            if i < deepest:
                h = self.halvings[i].h_down.at(column >> i)
                skips.append(h)
        bottom = deepest == len(self.halvings)
        h = skips.pop() if bottom else self.halvings[deepest].said[(row >> deepest) % 2][column >> deepest]
        for i in range(deepest, -1, -1):
            for block in self.levels[i].h_up:
                h = block.at(h, column >> i, skips.pop())
            if i:
                h = self.halvings[i - 1].speak(h, column >> i)
        return h
