"""PixelCNN++: gated residual blocks on two streams, with halvings and skip connections between equal resolutions.

    v (rows above)   2 x 3 convolutions over this row of v and the one above
    h (all before)   2 x 2 convolutions over this place of h, the one to its left, and the two above them; sees v

v at row r depends on the rows above r, h at a place on all places before it. A halved place (i, j) stands at
(2 i, 2 j), depends on what that place depends on, and feeds (2 i .. 2 i + 1, 2 j .. 2 j + 1): causal still. The
sub-pixels of a pixel are drawn together, from a mixture, so that the streams need no sub-pixel masks. The size of the
first kernel and a learned bias for each place are not in the paper.

While sampling v advances by a row, h by a place. A halved row is computed once, at the even row that it stands at, a
halved place at the even row and column; its outputs for the other three places are stored until these are drawn.

References:
    Salimans, Karpathy, Chen & Kingma 2017, arXiv:1701.05517, section 2 and figure 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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
from pipeline.families.autoregressive.networks.masked_layers import ContextBias, MaskedConv2d, ShiftedConv2d

Shape = tuple[tuple[int, int], tuple[int, int, int, int]]
"""Kernel and padding of a convolution."""
Features = tuple[Tensor, Tensor]
"""v and h of one resolution, (B, n, H, W) each."""
ROWS: Shape = ((2, 3), (1, 1, 1, 0))  # of v
PLACES: Shape = ((2, 2), (1, 0, 1, 0))  # of h


def concat_elu(h: Tensor) -> Tensor:
    """(B, n, ...) -> (B, 2 n, ...): elu of h and of -h, so that no unit is ever inactive."""
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


class ResolutionLevel(nn.Module):
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
        levels = nn.ModuleList(ResolutionLevel(n, context, blocks, back, dropout) for back in backs)
        self.levels = cast("Sequence[ResolutionLevel]", levels)
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

    def start(self, context: Tensor) -> PixelCNNPlusPlusCache:
        return PixelCNNPlusPlusCache(self, context)

    def at(self, cache: PixelCNNPlusPlusCache, x: Tensor, row: int, column: int) -> Tensor:
        return cache.at(x, row, column)


class PixelCNNPlusPlusCache(RasterCache):
    """The current row of each layer."""

    def __init__(self, network: PixelCNNPlusPlus, context: Tensor) -> None:
        self.v_above, self.h_above = network.v_first, network.h_first.above
        row = network.h_first.row
        self.first = RowBuffer(row.taps(), len(context), context.shape[3])
        self.places = network.places[:1], network.places[1:] + row.bias[:, None, None]  # (1, n, H, W) each
        self.streams = StreamsCache(network.levels, network.halvings, context)
        self.head = PixelLinear(network.head.weight, network.head.bias)

    def begin(self, x: Tensor, row: int) -> None:
        rows = rows_above(x, row, self.v_above.kernel_size[0])
        v_place, h_place = (bias[:, :, row : row + 1] for bias in self.places)
        self.first.begin(self.h_above.over(rows) + h_place)
        self.streams.begin(self.v_above.over(rows) + v_place, row)

    def step(self, x: Tensor, column: int) -> Tensor:
        self.first.put_pixel(x, self.row, column)
        return self.head(F.elu(self.streams.at(self.first.at(column), self.row, column)))


class CornerBuffer(RowBuffer):
    """A 2 x 2 convolution over this place, the one to its left, and the two above them."""

    def __init__(self, convolution: ShiftedConv2d, batch: int, width: int) -> None:
        super().__init__(convolution.weight[:, :, 1:], batch, width, convolution.stride[0])
        self.over, self.bias, self.strides = convolution.weight[:, :, :1], convolution.bias, convolution.stride

    def next_row(self, more: Tensor | float = 0.0) -> None:
        """Start the next row: the terms of the complete one, and `more` (B, n_out, 1, W / stride)."""
        above = F.conv2d(F.pad(self.completed(), (1, 0)), self.over, self.bias, self.strides)
        self.begin(above + more)


class RowBlockCache:
    """A residual block of v, row by row."""

    def __init__(self, block: GatedResidual, context: Tensor) -> None:
        batch, width = len(context), context.shape[3]
        self.enter, self.leave = RowHistory(block.enter, batch, width), RowHistory(block.leave, batch, width)
        self.looks = list(block.looks)
        self.table = block.condition.table(context)  # (B, 2 n, H, W)

    def at(self, v: Tensor, seen: tuple[Tensor, ...], row: int) -> Tensor:
        inner = self.enter.at(concat_elu(v))
        for look, other in zip(self.looks, seen, strict=True):
            inner = inner + look(concat_elu(other))
        return v + F.glu(self.leave.at(concat_elu(inner)) + self.table[:, :, row : row + 1], dim=1)


class PlaceBlockCache:
    """A residual block of h, place by place; its other inputs are v, a row at a time, and a skip connection of h."""

    def __init__(self, block: GatedResidual, context: Tensor) -> None:
        batch, width = len(context), context.shape[3]
        self.enter, self.leave = CornerBuffer(block.enter, batch, width), CornerBuffer(block.leave, batch, width)
        self.look, *skips = block.looks
        self.skips = [PixelLinear(look.weight) for look in cast("list[nn.Conv2d]", skips)]
        self.table = block.condition.table(context)  # (B, 2 n, H, W)

    def begin(self, v: Tensor, row: int) -> None:
        self.enter.next_row(self.look(concat_elu(v)))
        self.leave.next_row(self.table[:, :, row : row + 1])

    def at(self, h: Tensor, column: int, *seen: Tensor) -> Tensor:
        self.enter.put(column, concat_elu(h))
        inner = self.enter.at(column)
        for skip, other in zip(self.skips, seen, strict=True):
            inner = inner + skip(concat_elu(other))
        self.leave.put(column, concat_elu(inner))
        return h + F.glu(self.leave.at(column), dim=1)


class LevelCache:
    """The blocks of one resolution."""

    def __init__(self, level: ResolutionLevel, context: Tensor) -> None:
        self.v_down = [RowBlockCache(block, context) for block in level.v_down]
        self.v_up = [RowBlockCache(block, context) for block in level.v_up]
        self.h_down = [PlaceBlockCache(block, context) for block in level.h_down]
        self.h_up = [PlaceBlockCache(block, context) for block in level.h_up]


class HalvingCache:
    """Between two resolutions; `second` and `pending` store the outputs for places not at an even row and column."""

    def __init__(self, halving: Halving, batch: int, width: int) -> None:
        self.v_down, self.v_up = RowHistory(halving.v_down, batch, width), halving.v_up
        self.h_down = CornerBuffer(halving.h_down, batch, width)
        weight = halving.h_up.weight.permute(2, 3, 1, 0).flatten(0, 2)[:, :, None, None]  # (2 2 n, n, 1, 1)
        assert halving.h_up.bias is not None
        self.h_up = PixelLinear(weight, halving.h_up.bias.repeat(4))
        self.second = torch.empty(0)
        self.pending: list[list[Tensor]] = [[torch.empty(0)] * width for _ in range(2)]

    def upsample_row(self, v: Tensor) -> Tensor:
        """A halved row -> the even row that it stands at."""
        first, self.second = self.v_up(v).split(1, dim=2)
        return first

    def upsample(self, h: Tensor, column: int) -> Tensor:
        """A halved place -> the place that it stands at."""
        for i, output in enumerate(self.h_up(h).chunk(4, dim=1)):
            self.pending[i // 2][2 * column + i % 2] = output
        return self.pending[0][2 * column]


class StreamsCache:
    """The caches of all resolutions."""

    def __init__(self, levels: Iterable[ResolutionLevel], halvings: Iterable[Halving], context: Tensor) -> None:
        batch, width = len(context), context.shape[3]
        self.levels = [LevelCache(level, context[:, :, :: 2**i, :: 2**i]) for i, level in enumerate(levels)]
        self.halvings = [HalvingCache(halving, batch, width >> i) for i, halving in enumerate(halvings)]

    def deepest(self, *at: int) -> int:
        """The lowest resolution that has a place at these coordinates."""
        return next((i for i in range(len(self.halvings)) if any((a >> i) % 2 for a in at)), len(self.halvings))

    def begin(self, v: Tensor, row: int) -> None:
        """Compute all layers of v (B, n, 1, W) for a new row."""
        deepest, skips = self.deepest(row), [v]
        for i, level in enumerate(self.levels[: deepest + 1]):
            for block, place in zip(level.v_down, level.h_down, strict=True):
                v = block.at(v, (), row >> i)
                place.begin(v, row >> i)
                skips.append(v)
            if i < deepest:
                self.halvings[i].h_down.next_row()
                v = self.halvings[i].v_down.at(v)
                skips.append(v)
            elif i < len(self.halvings):
                self.halvings[i].v_down.push(v)
        v = skips.pop() if deepest == len(self.halvings) else self.halvings[deepest].second
        for i in range(deepest, -1, -1):
            for block, place in zip(self.levels[i].v_up, self.levels[i].h_up, strict=True):
                v = block.at(v, (skips.pop(),), row >> i)
                place.begin(v, row >> i)
            if i:
                v = self.halvings[i - 1].upsample_row(v)

    def at(self, h: Tensor, row: int, column: int) -> Tensor:
        """Compute all layers of h (B, n) at a place."""
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
        h = skips.pop() if bottom else self.halvings[deepest].pending[(row >> deepest) % 2][column >> deepest]
        for i in range(deepest, -1, -1):
            for block in self.levels[i].h_up:
                h = block.at(h, column >> i, skips.pop())
            if i:
                h = self.halvings[i - 1].upsample(h, column >> i)
        return h
