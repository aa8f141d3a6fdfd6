"""The interface of causal networks of sequences, and the encoder of a sequence's past.

    training    x (B, N)  ->  parameters (B, N, K), each place a function of the places before it
    sampling    place by place; what depends on earlier places alone is cached and not computed again

Both are the same function. A sequence (B, C, T) is one of N = T C values, the channels of a step together. Place i gets
the features of value i - 1; the first place gets a learned start.
"""

from __future__ import annotations

import abc
from typing import Any

import torch
from torch import Tensor, nn

from pipeline.contract import Event


class StepEncoder(nn.Module):
    """Values x (B, N) and context (B, M, N) -> features (B, N, width) of what is known before each place.

    A value has a linear term, and where it has levels a learned embedding of its level, since symbols have no order.
    """

    def __init__(self, event: Event, context: int, width: int) -> None:
        super().__init__()
        self.event = event
        self.start = nn.Parameter(torch.randn(width) / width**0.5)
        self.slope = nn.Parameter(torch.randn(width) / width**0.5)
        self.levels = nn.Embedding(event.levels, width) if event.levels else None
        self.channel = nn.Parameter(torch.zeros(event.shape[0], width))
        self.context = nn.Linear(context, width, bias=False) if context else None

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        start = self.start.expand(len(x), 1, -1)
        past = torch.cat([start, self._values(x[:, :-1])], dim=1)
        channels = self.channel.repeat(x.shape[1] // len(self.channel), 1)  # (N, width)
        return past + channels + self.conditions(context)

    def conditions(self, context: Tensor) -> Tensor:
        """(B, M, N) -> the term of the context at each place, (B, N, width); (B, N, 1) zeros without a context."""
        if self.context is None:
            return context.new_zeros(len(context), context.shape[2], 1)
        return self.context(context.transpose(1, 2))

    def at(self, previous: Tensor, place: int, conditions: Tensor) -> Tensor:
        """The features of one place from the value before it, (B,), and the `conditions` of all places: (B, width)."""
        past = self._values(previous) if place else self.start.expand(len(previous), -1)
        return past + self.channel[place % len(self.channel)] + conditions[:, place]

    def _values(self, x: Tensor) -> Tensor:
        """(...) -> (..., width)."""
        h = (x / self.event.scale)[..., None] * self.slope
        return h if self.levels is None else h + self.levels(self.event.index(x))


class SequenceNetwork(nn.Module, abc.ABC):
    """A causal network of sequences."""

    @abc.abstractmethod
    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """x (B, N), context (B, M, N) -> parameters (B, N, K) of each value."""

    @abc.abstractmethod
    def start(self, context: Tensor) -> Any:
        """The cache of a batch before its first value is drawn."""

    @abc.abstractmethod
    def step(self, cache: Any, previous: Tensor, place: int) -> Tensor:
        """The parameters (B, K) of the value at `place`, given the one before it, (B,); places come in order."""
