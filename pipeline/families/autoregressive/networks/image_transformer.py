"""Causal self-attention over an image's values: the Image Transformer (Parmar et al. 2018, arXiv:1802.05751).

    a_i = sum_j softmax_j(q_i . k_j / sqrt(d) + b_(i - j)) v_j,    j in (i - window, i]

The sequence is the image's sub-pixels: rows, columns, then R, G, B. Position i holds the embedding of value i - 1, so
that a layer sees the `window` values before the one that it predicts (the paper's one-dimensional local attention) and
costs H W C window. While sampling, keys and values of earlier positions are cached. The learned bias b of a distance
(Raffel et al. 2020, arXiv:1910.10683) locates the pixel above, which is not learned from position embeddings on a
thousand images.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.contract import Event
from pipeline.families.autoregressive.networks.causal_network import CausalNetwork


class AttentionCache(NamedTuple):
    """Keys and values of one layer while sampling."""

    bias: Tensor
    """(heads, n, window + n - 1): b and -inf, for the n positions of a place and all keys that one of them sees."""
    keys: Tensor
    """(B, heads, T, d), filled as far as the image is known."""
    values: Tensor


class LocalAttention(nn.Module):
    """(B, T, width) -> (B, T, width): each position attends to itself and to the `window` - 1 before it."""

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        self.project = nn.Linear(width, 3 * width)
        self.merge = nn.Linear(width, width)
        self.distance = nn.Parameter(torch.zeros(heads, window))

    def forward(self, h: Tensor) -> Tensor:
        q, k, v = self._split(h)
        return self.merge(self._blocks(q, k, v).transpose(1, 2).flatten(2))

    def start(self, batch: int, length: int, n: int) -> AttentionCache:
        """For a sequence of `length` whose positions come n at a time."""
        keys = self.distance.new_empty(2, batch, self.heads, length, self.merge.in_features // self.heads)
        seen = torch.arange(self.window + n - 1, device=self.distance.device)
        return AttentionCache(self._bias(seen[-n:], seen), *keys)

    def step(self, h: Tensor, memory: AttentionCache, first: int) -> Tensor:
        """The same for h (B, n, width) at positions first .. first + n - 1, whose keys and values are written."""
        q, k, v = self._split(h)
        last = first + h.shape[1]
        memory.keys[:, :, first:last], memory.values[:, :, first:last] = k, v
        seen = slice(max(0, first + 1 - self.window), last)
        bias = memory.bias[:, :, seen.start - last :]
        a = F.scaled_dot_product_attention(q, memory.keys[:, :, seen], memory.values[:, :, seen], bias)
        return self.merge(a.transpose(1, 2).flatten(2))

    def _split(self, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v = self.project(h).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # (B, heads, T, d) each
        return q, k, v

    def _bias(self, query: Tensor, key: Tensor) -> Tensor:
        """Positions (n,), (m,) -> b_(i - j), (heads, n, m), and -inf outside the window."""
        back = query[:, None] - key
        outside = (back < 0) | (back >= self.window)
        return self.distance[:, back.clamp(0, self.window - 1)].masked_fill(outside, -math.inf)

    def _blocks(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Blocks of `window` queries against their own block of keys and the one before: linear in T."""
        length, w = q.shape[2], min(self.window, q.shape[2])
        places = torch.arange(2 * w, device=q.device)
        if w == length:
            return F.scaled_dot_product_attention(q, k, v, self._bias(places[:w], places[:w]))
        q, k, v = (F.pad(one, (0, 0, 0, -length % w)).unflatten(2, (-1, w)) for one in (q, k, v))  # (B, h, N, w, d)
        k, v = (torch.cat([F.pad(one, (0, 0, 0, 0, 1, -1)), one], dim=3) for one in (k, v))  # (B, h, N, 2 w, d)
        bias = self._bias(places[w:], places)
        nothing = places < w  # before the first block
        first, rest = bias.masked_fill(nothing, -math.inf), bias[:, None].expand(-1, q.shape[2] - 1, -1, -1)
        a = F.scaled_dot_product_attention(q, k, v, torch.cat([first[:, None], rest], dim=1))  # bias (h, N, w, 2 w)
        return a.flatten(2, 3)[:, :, :length]


class TransformerBlock(nn.Module):
    """Attention and a position-wise network, each around a skip and behind a layer norm.

    The norm comes before each layer (Xiong et al. 2020, arXiv:2002.04745), which trains without a warm-up; in the paper
    it comes after the sum.
    """

    def __init__(self, width: int, heads: int, window: int, dropout: float) -> None:
        super().__init__()
        self.attention = LocalAttention(width, heads, window)
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, h: Tensor) -> Tensor:
        return self._with(h, self.attention(self.norms[0](h)))

    def step(self, h: Tensor, memory: AttentionCache, first: int) -> Tensor:
        return self._with(h, self.attention.step(self.norms[0](h), memory, first))

    def _with(self, h: Tensor, seen: Tensor) -> Tensor:
        h = h + self.dropout(seen)
        return h + self.dropout(self.mlp(self.norms[1](h)))


class TransformerCache(NamedTuple):
    """The cache of a batch while sampling."""

    condition: Tensor
    """(B, T, width): the term of the condition at each position."""
    memories: list[AttentionCache]


class ImageTransformer(CausalNetwork):
    """Image (B, C, H, W) and context (B, M, H, W) -> logits (B, L C, H, W), level-major.

    A value is embedded by its level, with a table for each channel, and by a linear term, since levels are ordered.
    """

    def __init__(
        self, event: Event, context: int, width: int, heads: int, layers: int, window: int, dropout: float
    ) -> None:
        channels, height, breadth = event.shape
        super().__init__((height, breadth), visits=channels)
        self.event = event
        self.levels = nn.Parameter(torch.randn(channels, event.grid, width) / width**0.5)
        self.slope = nn.Parameter(torch.randn(width) / width**0.5)
        self.place = nn.Parameter(torch.randn(event.dims, width) / width**0.5)
        self.condition = nn.Conv2d(context, width * channels, 1, bias=False) if context else None
        self.dropout = nn.Dropout(dropout)
        blocks = nn.ModuleList(TransformerBlock(width, heads, window, dropout) for _ in range(layers))
        self.blocks = cast("Sequence[TransformerBlock]", blocks)
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, event.grid)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        past = F.pad(_sequence(x)[:, :-1], (1, 0))  # (B, T): position i holds value i - 1, the first a grey
        h = self.dropout(self._embed(past) + self.place + self._condition(context))
        for block in self.blocks:
            h = block(h)
        logits = self.head(self.norm(h))  # (B, H W C, L)
        return logits.unflatten(1, (*x.shape[2:], x.shape[1])).permute(0, 4, 3, 1, 2).flatten(1, 2)  # (B, L C, H, W)

    def start(self, context: Tensor) -> TransformerCache:
        sizes = len(context), self.event.dims, self.visits
        return TransformerCache(self._condition(context), [block.attention.start(*sizes) for block in self.blocks])

    def at(self, cache: TransformerCache, x: Tensor, row: int, column: int) -> Tensor:
        channels, place = self.visits, row * x.shape[3] + column
        first, last = place * channels, (place + 1) * channels
        recent = _sequence(x.flatten(2)[:, :, None, max(place - 1, 0) : place + 1])  # the place before and this one
        past = F.pad(recent, (1, 0))[:, -channels - 1 : -1]  # (B, C)
        h = self._embed(past) + self.place[first:last] + cache.condition[:, first:last]
        for block, memory in zip(self.blocks, cache.memories, strict=True):
            h = block.step(h, memory, first)
        return self.head(self.norm(h)).transpose(1, 2).flatten(1)  # (B, L C)

    def _embed(self, past: Tensor) -> Tensor:
        """Values (B, n C), whole places -> (B, n C, width)."""
        channels, levels, _ = self.levels.shape
        row = self.event.index(past) + levels * (torch.arange(past.shape[1], device=past.device) % channels)
        return F.embedding(row, self.levels.flatten(0, 1)) + past[:, :, None] * self.slope

    def _condition(self, context: Tensor) -> Tensor:
        """(B, M, H, W) -> (B, H W C, width)."""
        if self.condition is None:
            return context.new_zeros(len(context), self.event.dims, 1)
        return self.condition(context).flatten(2).transpose(1, 2).flatten(1).unflatten(1, (self.event.dims, -1))


def _sequence(x: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, H W C): raster, sub-pixels of a place together."""
    return x.flatten(2).transpose(1, 2).flatten(1)
