"""Autoregressive models of sequences: each value given those before it.

    p(x | c) = prod_i p(x_i | x_<i, c)

over the steps in order, and at each step over the channels in order. One pass of the network scores a sequence. A draw
visits one value after the other, with a cache of what depends on earlier ones.
"""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn

from pipeline.contract import Event, Exact, Loss, SinglePlayer
from pipeline.families.autoregressive.steps import Steps


class Network(Protocol):
    """A causal network of sequences (`networks.sequence_network.SequenceNetwork`)."""

    def __call__(self, x: Tensor, context: Tensor) -> Tensor: ...
    def start(self, context: Tensor) -> Any: ...
    def step(self, cache: Any, previous: Tensor, place: int) -> Tensor: ...


class AutoregressiveSequences(SinglePlayer, Exact):
    """p(x | c) with the parameters of `steps`, the distribution of one value, from a causal `network`."""

    knob: ClassVar[str | None] = "temperature"

    def __init__(self, event: Event, condition: nn.Module, network: Network, steps: Steps) -> None:
        super().__init__()
        self.event, self.condition, self.network, self.steps = event, condition, network, steps

    def context(self, c: Tensor) -> Tensor:
        """c (B, *condition) -> the vector of the condition at each value, (B, V, T C)."""
        vector: Tensor = self.condition(c).vector
        return vector[:, :, None].expand(-1, -1, self.event.dims)

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        values = x.transpose(1, 2).flatten(1)  # (B, T C)
        return self.steps.log_prob(values, self.network(values, self.context(c)))

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        nll = -self.log_prob(x, c).mean()
        return Loss(nll, {"nll": nll})

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        cache = self.network.start(self.context(c))
        values = [torch.zeros(len(c), device=c.device)]
        for place in range(self.event.dims):
            values.append(self.steps.draw(self.network.step(cache, values[-1], place), self.setting))
        return torch.stack(values[1:], dim=1).unflatten(1, (-1, self.event.shape[0])).transpose(1, 2).contiguous()
