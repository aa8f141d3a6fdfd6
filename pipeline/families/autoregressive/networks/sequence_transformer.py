"""A causal transformer of sequences (Vaswani et al. 2017, arXiv:1706.03762).

The blocks are those of the Image Transformer: attention to the last `window` places with a learned bias for each
distance, each layer behind a norm. While sampling the keys and values of earlier places are cached.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from pipeline.contract import Event
from pipeline.families.autoregressive.networks.image_transformer import AttentionCache, TransformerBlock
from pipeline.families.autoregressive.networks.sequence_network import SequenceNetwork, StepEncoder


class SequenceTransformerCache(NamedTuple):
    """What a batch keeps while it is sampled."""

    conditions: Tensor
    """(B, N, width): the term of the context at each place."""
    memories: list[AttentionCache]


class SequenceTransformer(SequenceNetwork):
    """x (B, N), context (B, M, N) -> (B, N, n_out)."""

    def __init__(
        self,
        event: Event,
        context: int,
        n_out: int,
        width: int,
        heads: int,
        layers: int,
        window: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.enter = StepEncoder(event, context, width)
        self.place = nn.Parameter(torch.randn(event.dims, width) / width**0.5)
        self.dropout = nn.Dropout(dropout)
        blocks = nn.ModuleList(TransformerBlock(width, heads, window, dropout) for _ in range(layers))
        self.blocks = cast("Sequence[TransformerBlock]", blocks)
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, n_out)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        h = self.dropout(self.enter(x, context) + self.place)
        for block in self.blocks:
            h = block(h)
        return self.head(self.norm(h))

    def start(self, context: Tensor) -> SequenceTransformerCache:
        memories = [block.attention.start(len(context), len(self.place), 1) for block in self.blocks]
        return SequenceTransformerCache(self.enter.conditions(context), memories)

    def step(self, cache: SequenceTransformerCache, previous: Tensor, place: int) -> Tensor:
        h = (self.enter.at(previous, place, cache.conditions) + self.place[place])[:, None]
        for block, memory in zip(self.blocks, cache.memories, strict=True):
            h = block.step(h, memory, place)
        return self.head(self.norm(h[:, 0]))
