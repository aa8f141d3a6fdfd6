"""Masked layers: convolutions and dense layers whose weights outside a causal mask are zero.

Channels form C groups, one for each sub-pixel (R, G, B). Group g of the output at pixel i sees group g' of the input
at pixel j if j < i in raster order, or j = i and g' < g (mask A: the first layer) or g' <= g (mask B: all others); van
den Oord et al. 2016, arXiv:1601.06759, section 3.4. A masked k x k convolution stores and computes only the taps that
its mask leaves, as three smaller ones, with p = k // 2:

    above  (p, k)   every group of the p rows above
    left   (1, p)   every group of the p places to the left
    here   (1, 1)   block-triangular in the groups
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.networks.layers import silent

Mask = Literal["A", "B"]
Pad = tuple[int, int, int, int]


def groups(channels: int, count: int) -> Tensor:
    """(channels,) long: the sub-pixel that each channel belongs to, in order."""
    return torch.arange(channels) * count // channels


class ShiftedConv2d(nn.Conv2d):
    """A convolution that is padded on each side (left, right, top, bottom) by its own amount; a negative one crops.

    What left and right have in common is the convolution's own padding, which copies nothing.
    """

    def __init__(
        self, n_in: int, n_out: int, kernel: tuple[int, int], pad: Pad, stride: int = 1, bias: bool = True
    ) -> None:
        left, right, _, _ = pad
        both = max(0, min(left, right))
        super().__init__(n_in, n_out, kernel, stride, padding=(0, both), bias=bias)
        self.pad, self.sides = pad, (left - both, right - both)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, (*self.sides, *self.pad[2:])))

    def over(self, rows: Tensor) -> Tensor:
        """The one row of the output that these rows, as many as the kernel has, are the input of."""
        return super().forward(F.pad(rows, self.sides))


class SubPixelConv2d(nn.Module):
    """The tap at the place itself: (B, n_in, H, W) -> (B, parts * n_out, H, W), part-major; each part has the groups.

    `parts` is 2 for the halves of a gate, L for the levels of a softmax.
    """

    def __init__(self, n_in: int, n_out: int, kind: Mask, subpixels: int = 1, parts: int = 1) -> None:
        super().__init__()
        source, target = groups(n_in, subpixels), groups(n_out, subpixels)
        self.n_in, self.n_out, self.parts = n_in, n_out, parts
        self.sizes = [int((target == g).sum()) for g in range(subpixels)]
        self.seen = [int((source < g if kind == "A" else source <= g).sum()) for g in range(subpixels)]
        bound = max(1, max(self.seen)) ** -0.5
        self.blocks = nn.ParameterList(
            nn.Parameter(torch.empty(parts * size, seen, 1, 1).uniform_(-bound, bound))
            for size, seen in zip(self.sizes, self.seen, strict=True)
            if seen
        )
        self.bias = nn.Parameter(torch.empty(parts * n_out).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        if len(self.sizes) == 1 and self.blocks:
            return F.conv2d(x, self.blocks[0], self.bias)
        unseen = [x.new_zeros(len(x), self.parts, s, *x.shape[2:]) for s in self.sizes[: -len(self.blocks) or None]]
        seen = [F.conv2d(x[:, : w.shape[1]], w).unflatten(1, (self.parts, -1)) for w in self.blocks]
        return torch.cat(unseen + seen, dim=2).flatten(1, 2) + self.bias[:, None, None]

    def dense(self) -> Tensor:
        """The dense weight (parts * n_out, n_in, 1, 1), zeros where the mask leaves nothing."""
        dense = self.bias.new_zeros(self.parts, self.n_out, self.n_in)
        end = self.n_out
        for size, weight in zip(self.sizes[::-1], list(self.blocks)[::-1], strict=False):
            dense[:, end - size : end, : weight.shape[1]] = weight.view(self.parts, size, -1)
            end -= size
        return dense.flatten(0, 1)[:, :, None, None]


class MaskedConv2d(nn.Module):
    """A masked k x k convolution, k = 2 p + 1 > 1: (B, n_in, H, W) -> (B, n_out, H, W), same height and width."""

    def __init__(self, n_in: int, n_out: int, kernel: int, kind: Mask, subpixels: int = 1) -> None:
        super().__init__()
        p = kernel // 2
        self.above = ShiftedConv2d(n_in, n_out, (p, kernel), (p, p, p, -1), bias=False)
        self.row = RowConv2d(n_in, n_out, p, kind, subpixels)
        fan_in = n_in * (p * kernel + p + (kind == "B"))  # of the whole, so that the parts do not add up to more
        for weight in (self.above.weight, *self.row.parameters()):
            nn.init.uniform_(weight, -(fan_in**-0.5), fan_in**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        return self.above(x) + self.row(x)

    def kernel(self) -> Tensor:
        """The masked kernel (n_out, n_in, k, k) that this is the same as."""
        p = self.above.kernel_size[0]
        left, right = self.row.taps(), self.above.weight.new_zeros(1, 1, 1, 1)
        row = torch.cat([left, right.expand(*left.shape[:3], p)], dim=3)
        return torch.cat([self.above.weight, row, torch.zeros_like(self.above.weight)], dim=2)


class RowConv2d(nn.Module):
    """The taps of a row up to the place: `left` places to the left, and the place itself as far as the mask lets it.

    (B, n_in, H, W) -> (B, parts * n_out, H, W). Where the place itself is seen whole or not at all, one convolution.
    """

    def __init__(self, n_in: int, n_out: int, left: int, kind: Mask, subpixels: int = 1, parts: int = 1) -> None:
        super().__init__()
        whole = int(kind == "B" and subpixels == 1)
        self.here = SubPixelConv2d(n_in, n_out, kind, subpixels, parts) if subpixels > 1 else None
        self.left = ShiftedConv2d(
            n_in, parts * n_out, (1, left + whole), (left, whole - 1, 0, 0), bias=self.here is None
        )
        self.blind = self.here is None and not whole

    def forward(self, x: Tensor) -> Tensor:
        left: Tensor = self.left(x)
        return left if self.here is None else left + self.here(x)

    @property
    def bias(self) -> Tensor:
        bias = self.left.bias if self.here is None else self.here.bias
        assert bias is not None
        return bias

    def taps(self) -> Tensor:
        """The dense weight (parts * n_out, n_in, 1, left + 1), the place itself last."""
        weight = self.left.weight
        if self.here is not None:
            return torch.cat([weight, self.here.dense()], dim=3)
        return F.pad(weight, (0, 1)) if self.blind else weight


class ContextBias(nn.Module):
    """Adds what a context says about each place: h (B, n, H, W), context (B, M, H, W) -> (B, n, H, W); h if M = 0.

    A causal stack carries it on to later places alone; what lies ahead a place learns from its `surroundings`.
    It starts silent, so that a network with a context starts as the one without.
    """

    def __init__(self, context: int, n_out: int) -> None:
        super().__init__()
        self.n_out, self.project = n_out, silent(nn.Conv2d(context, n_out, 1, bias=False)) if context else None

    def forward(self, h: Tensor, context: Tensor) -> Tensor:
        return h if self.project is None else h + self.project(context)

    def table(self, context: Tensor) -> Tensor:
        """What the context says about each place, (B, n, H, W)."""
        return self(context.new_zeros(len(context), self.n_out, *context.shape[2:]), context)


def mask_b(source: Tensor, target: Tensor) -> Tensor:
    """Sub-pixels (n_in,), (n_out,) -> (n_out, n_in): a sub-pixel sees itself and those before it."""
    return (source <= target[:, None]).float()


class MaskedLinear(nn.Linear):
    """(..., n_in) -> (..., n_out): unit j sees input i where `mask` (n_out, n_in) is 1."""

    mask: Tensor

    def __init__(self, mask: Tensor) -> None:
        super().__init__(mask.shape[1], mask.shape[0])
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.mask, self.bias)
