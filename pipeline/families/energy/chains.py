"""Persistent chains: the states from which the negative phase of a training step goes on.

    -d/dθ E_data[log p(x)] = E_data[dE/dθ] - E_p[dE/dθ]

The second mean needs samples of the model. Chains that go on from step to step are close to it at every step, as the
model changes little between two (Tieleman 2008, ICML; Younes 1999, Stochastics 65); a small share starts again from the
base, so that no mode is left without a visitor (Du & Mordatch 2019, arXiv:1903.08689).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn


class Chosen(NamedTuple):
    """Some of the chains."""

    place: Tensor
    """(N,) long, each place once."""
    x: Tensor
    """(N, *event)."""
    age: Tensor
    """(N,): transitions since they started from the base."""


class PersistentChains(nn.Module):
    """`count` chains for each of `labels` labels; the chains of a label are of p(x | label).

    The buffers are no part of a trained model: they are saved by resume points alone.

    Args:
        start: (labels * count, *event), the first states.
        labels: the number of labels, 1 without a condition.
        restart: probability that a chain starts again from the base before a training step, in [0, 1].
    """

    states: Tensor
    ages: Tensor

    def __init__(self, start: Tensor, labels: int, restart: float) -> None:
        super().__init__()
        self.count, self.restart = len(start) // labels, restart
        self.register_buffer("states", start, persistent=False)
        self.register_buffer("ages", torch.zeros(len(start)), persistent=False)

    def choose(self, label: Tensor) -> Chosen:
        """A chain of each label (B,) long; of the first `count` labels where there are more.

        The chains follow each other from a random one, so that none is chosen twice.
        """
        order = torch.arange(min(len(label), self.count), device=label.device)
        first = torch.randint(self.count, (1,), device=label.device)
        place = label[: self.count] * self.count + (first + order) % self.count
        return Chosen(place, self.states[place], self.ages[place])

    def renew(self, chosen: Chosen, fresh: Tensor) -> Chosen:
        """The same with a share `restart` of the states replaced by `fresh` (N, *event)."""
        again = torch.rand(len(fresh), device=fresh.device) < self.restart
        x = torch.where(again.view(-1, *[1] * (fresh.dim() - 1)), fresh, chosen.x)
        return chosen._replace(x=x, age=chosen.age.masked_fill(again, 0))

    @torch.no_grad()
    def put(self, chosen: Chosen, moves: int) -> Tensor:
        """Store the states `chosen.x` after `moves` transitions; returns their mean age ()."""
        age = chosen.age + moves
        self.states.index_copy_(0, chosen.place, chosen.x)
        self.ages.index_copy_(0, chosen.place, age)
        return age.mean()
