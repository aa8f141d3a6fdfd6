"""Dense networks of autoregressive factors: one for each factor of points, or one masked network for all (MADE).

    h_1 = g((W_1 * M_1) x + b_1),   h = h_before + g((W * M) h_before + b),   parameters = (V * M_V) h_n + b_V

An input stands at a position of the order. A hidden unit of degree m depends on the first m positions only:
M_1 = [position < m], M = [m_before <= m], and an output at position p sees the units with m <= p, M_V = [m <= p].
Degrees spread evenly over 0 .. P - 1, ascending, and are the same for every order: only M_1 and M_V change with it. So
while sampling a unit is computed once, when its last input is drawn, and the units computed so far are the first ones.

References:
    MADE: Germain et al. 2015, arXiv:1502.03509. One network for each factor: Uria et al. 2013, arXiv:1306.0186.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import Literal, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.contract import Event
from pipeline.families.autoregressive.networks.causal_network import CausalNetwork
from pipeline.families.autoregressive.networks.masked_layers import MaskedLinear
from pipeline.networks.layers import Fourier, mlp


def even_start(mixtures: int, scale: float) -> Tensor:
    """(3 K,) initial mixture: equal weights, means spread evenly over [-scale, scale], deviations that overlap."""
    means, sigmas = torch.linspace(-scale, scale, mixtures), torch.full((mixtures,), math.log(scale / mixtures))
    return torch.cat([torch.zeros(mixtures), means, sigmas])


class FactorNetwork(nn.Module):
    """(x_<i (B, i), h (B, V)) -> (B, 3 K)."""

    def __init__(self, i: int, context: int, mixtures: int, width: int, octaves: int, scale: float) -> None:
        super().__init__()
        self.embed = Fourier(octaves, base=math.pi / 2 / scale)
        self.net = mlp(self.embed.width(i) + context + 1, 3 * mixtures, width)
        last = self.net[-1]
        assert isinstance(last, nn.Linear)
        with torch.no_grad():
            last.weight.mul_(0.1)
            last.bias.copy_(even_start(mixtures, scale))

    def forward(self, past: Tensor, h: Tensor) -> Tensor:
        one = h.new_ones(len(h), 1)  # the first factor has no earlier value and may have no condition
        parameters: Tensor = self.net(torch.cat([self.embed(past), h, one], dim=-1))
        return parameters


class FactorNetworks(nn.Module):
    """(x (B, D), h (B, V)) -> (B, D, 3 K): one network for each coordinate."""

    def __init__(self, dims: int, context: int, mixtures: int, width: int, octaves: int, scale: float) -> None:
        super().__init__()
        self.factors = nn.ModuleList(FactorNetwork(i, context, mixtures, width, octaves, scale) for i in range(dims))

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        return torch.stack([factor(x[:, :i], h) for i, factor in enumerate(self.factors)], dim=1)


ALWAYS = -1  # the position of an input that every output may depend on: the context


class MADE(nn.Module):
    """(inputs (B, n_in), the positions of inputs (n_in,) and outputs (n_out,)) -> (B, n_out)."""

    degree: Tensor

    def __init__(self, n_in: int, n_out: int, positions: int, width: int, layers: int, dropout: float = 0.0) -> None:
        super().__init__()
        degree = torch.arange(width) * positions // width
        self.register_buffer("degree", degree, persistent=False)
        self.degrees = [unit * positions // width for unit in range(width)]  # the same, on the host
        self.first = nn.Linear(n_in, width)
        mask = (degree <= degree[:, None]).float()
        self.hidden = cast("Sequence[MaskedLinear]", nn.ModuleList(MaskedLinear(mask) for _ in range(layers - 1)))
        self.last = nn.Linear(width, n_out)
        self.dropout = nn.Dropout(dropout)

    def forward(self, inputs: Tensor, source: Tensor, target: Tensor) -> Tensor:
        first, last = self.masked(source, target)
        h = F.silu(F.linear(inputs, first, self.first.bias))
        for layer in self.hidden:
            h = h + F.silu(layer(self.dropout(h)))
        return F.linear(self.dropout(h), last, self.last.bias)

    def masked(self, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """The masked weights of the first and of the last layer under an order."""
        return self.first.weight * (source < self.degree[:, None]), self.last.weight * (self.degree <= target[:, None])


class MADECache(NamedTuple):
    """The cache of a batch while sampling: masked weights, and the units computed so far."""

    context: Tensor
    """(B, width): the first layer's terms of the context and the bias."""
    first: Tensor
    """(width, C H W)"""
    hidden: list[Tensor]
    """(width, width) each."""
    last: Tensor
    """(H W, K, width)"""
    units: list[Tensor]
    """(B, width) of each layer, filled in the order of their degrees."""
    ends: list[int]
    """How many units are computed when each place of the order is visited, and at the end all."""
    rank: dict[int, int]
    """The rank of a place in the order, by its raster number."""


class Positions(nn.Module):
    """The positions of inputs and outputs under one order of the places of an image."""

    source: Tensor
    """(C H W + M H W,) of the image and the context."""
    target: Tensor
    """(K H W,) of the parameters."""

    def __init__(self, event: Event, parameters: int, visits: int, places: Tensor, context: int) -> None:
        super().__init__()
        channels, height, width = event.shape
        rank = places.argsort() * visits  # (H W,)
        subpixel = torch.arange(channels) * visits // channels
        always = torch.full((context * height * width,), ALWAYS)
        self.register_buffer("source", torch.cat([(subpixel[:, None] + rank).flatten(), always]), persistent=False)
        output = torch.arange(parameters) % visits  # level-major: the sub-pixel is the fast index
        self.register_buffer("target", (output[:, None] + rank).flatten(), persistent=False)


class OrderedMADE(CausalNetwork):
    """Image (B, C, H, W) and context (B, M, H, W) -> parameters (B, K, H, W), causal in the order of `places`.

    `places` lists H W places by their raster number; the sub-pixels of a place stay together, in order R, G, B.
    `positions` are those of this order.
    """

    def __init__(self, made: MADE, positions: Positions, size: tuple[int, int], visits: int, places: Tensor) -> None:
        super().__init__(size, visits)
        self.made, self.positions, self.places = made, positions, places.tolist()

    def order(self) -> list[tuple[int, int]]:
        return [divmod(place, self.size[1]) for place in self.places]

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        inputs = torch.cat([x.flatten(1), context.flatten(1)], dim=1)
        return self.made(inputs, self.positions.source, self.positions.target).unflatten(1, (-1, *self.size))

    def start(self, context: Tensor) -> MADECache:
        made, given = self.made, context.flatten(1)
        first, last = made.masked(self.positions.source, self.positions.target)
        seen, width = self.made.first.in_features - given.shape[1], len(made.degree)
        bias = torch.addmm(made.first.bias, given, first[:, seen:].T)
        units = [context.new_zeros(len(context), width) for _ in range(1 + len(made.hidden))]
        last = last.unflatten(0, (-1, len(self.places))).transpose(0, 1).contiguous()  # (H W, K, width)
        hidden = [layer.weight * layer.mask for layer in made.hidden]
        ends = [bisect_left(made.degrees, self.visits * rank) for rank in range(len(self.places) + 1)]
        rank = {place: rank for rank, place in enumerate(self.places)}
        return MADECache(bias, first[:, :seen], hidden, last, units, ends, rank)

    def at(self, cache: MADECache, x: Tensor, row: int, column: int) -> Tensor:
        place = row * self.size[1] + column
        start, end = cache.ends[cache.rank[place] : cache.rank[place] + 2]
        new, made = slice(start, end), self.made
        if end > start:
            h = F.silu(torch.addmm(cache.context[:, new], x.flatten(1), cache.first[new].T))
            cache.units[0][:, new] = h
            for i, (layer, weight) in enumerate(zip(made.hidden, cache.hidden, strict=True)):
                h = h + F.silu(F.linear(cache.units[i][:, :end], weight[new, :end], layer.bias[new]))
                cache.units[i + 1][:, new] = h
        bias = made.last.bias.view(-1, len(self.places))[:, place]
        return F.linear(cache.units[-1][:, :end], cache.last[place, :, :end], bias)


def places(event: Event, order: Literal["raster", "column", "random"], seed: int = 0) -> Tensor:
    """(H W,) long: the raster number of each place, in the order that they come; `seed` draws a random one."""
    _, height, width = event.shape
    if order == "random":
        return torch.randperm(height * width, generator=torch.Generator().manual_seed(seed))
    numbers = torch.arange(height * width).view(height, width)
    return (numbers.T if order == "column" else numbers).flatten()


class AnyOrderMADE(nn.Module):
    """One network for images, under each of several orders of their places."""

    def __init__(
        self,
        event: Event,
        context: int,
        parameters: int,
        visits: int,
        orders: list[Tensor],
        width: int,
        layers: int,
        dropout: float,
    ) -> None:
        super().__init__()
        count = event.shape[1] * event.shape[2]
        n_in, n_out = event.dims + context * count, parameters * count
        self.made = MADE(n_in, n_out, count * visits, width, layers, dropout)
        self.positions = nn.ModuleList(Positions(event, parameters, visits, order, context) for order in orders)
        size = event.shape[1], event.shape[2]
        # a tuple and no ModuleList: all that they have is registered once, above
        self._ordered = tuple(
            OrderedMADE(self.made, positions, size, visits, order)
            for positions, order in zip(cast("Sequence[Positions]", self.positions), orders, strict=True)
        )

    def __len__(self) -> int:
        return len(self._ordered)

    def ordered(self, order: int) -> OrderedMADE:
        return self._ordered[order]


class MADEPoints(nn.Module):
    """(x (B, D), h (B, V)) -> (B, D, 3 K), of which row i depends on x_<i; the Fourier features are masked like x."""

    source: Tensor
    target: Tensor

    def __init__(
        self, dims: int, context: int, mixtures: int, width: int, layers: int, octaves: int, scale: float
    ) -> None:
        super().__init__()
        self.embed = Fourier(octaves, base=math.pi / 2 / scale)
        each = torch.arange(dims)
        features = [each, each.repeat_interleave(octaves), each.repeat_interleave(octaves)]
        self.register_buffer("source", torch.cat([*features, torch.full((context,), ALWAYS)]), persistent=False)
        self.register_buffer("target", each.repeat_interleave(3 * mixtures), persistent=False)
        self.made = MADE(len(self.source), len(self.target), dims, width, layers)
        self.dims = dims
        with torch.no_grad():
            self.made.last.weight.mul_(0.1)
            self.made.last.bias.copy_(even_start(mixtures, scale).repeat(dims))

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        inputs = torch.cat([self.embed(x), h], dim=1)
        return self.made(inputs, self.source, self.target).unflatten(1, (self.dims, -1))
