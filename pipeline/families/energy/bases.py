"""Bases: normalised distributions that are easy to sample, from which annealing starts.

    points   N(0, s² I)                       s half of the data's scale
    levels   prod_i p_i(level of x_i)         each value from its own histogram over the training data

An energy-based model f = p_0 exp(-E) is a base whose shape the energy changes: f has a finite integral for each energy
that grows no faster than |x|, and a network that is zero at the start has the base as its model.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from pipeline.contract import Event
from pipeline.distributions.likelihood import draw_category, standard_normal_log_prob

SMOOTHING = 0.5
"""Items that each level of each value is counted in addition (Krichevsky & Trofimov 1981): no level is impossible."""


class GaussianBase:
    """N(0, s² I) on R^D."""

    def __init__(self, event: Event) -> None:
        self.shape, self.sigma = event.shape, event.scale / 2
        self.spread = 2 * self.sigma
        """The largest useful step of a chain."""
        self.log_volume = event.dims * math.log(self.sigma)

    def log_prob(self, x: Tensor) -> Tensor:
        """x (B, D) -> (B,) nats."""
        return standard_normal_log_prob(x / self.sigma) - self.log_volume

    def slope(self, x: Tensor) -> Tensor:
        """The gradient of `log_prob`, (B, D)."""
        return -x / self.sigma**2

    def draw(self, like: Tensor) -> Tensor:
        """(B, D): one draw for each row of `like`, on its device."""
        return self.sigma * torch.randn(len(like), *self.shape, device=like.device)


class HistogramBase(nn.Module):
    """Independent values on L levels, each from a histogram that counts every training batch."""

    counts: Tensor
    """(D, L) float32."""
    spread = 2.0
    """The largest useful step of a chain: from the lowest level to the highest."""

    def __init__(self, event: Event) -> None:
        super().__init__()
        self.event = event
        self.register_buffer("counts", torch.full((event.dims, event.grid), SMOOTHING))

    @torch.no_grad()
    def count(self, x: Tensor) -> None:
        """Add x (B, *event) to the histograms."""
        levels = self.event.index(x).flatten(1)  # (B, D)
        values = torch.arange(levels.shape[1], device=x.device).expand_as(levels)
        self.counts.index_put_((values, levels), self.counts.new_ones(()), accumulate=True)

    def log_table(self) -> Tensor:
        """(D, L) nats: log p_i of each level."""
        return (self.counts / self.counts.sum(-1, keepdim=True)).log()

    def log_prob(self, index: Tensor) -> Tensor:
        """Levels (B, D) long -> (B,) nats."""
        table = self.log_table().expand(len(index), -1, -1)
        return table.gather(2, index[..., None])[..., 0].sum(-1)

    def draw(self, count: int) -> Tensor:
        """(count, D) long: levels."""
        return draw_levels(self.log_table().expand(count, -1, -1))


def draw_levels(logits: Tensor) -> Tensor:
    """(B, D, L) -> (B, D) long: a level of each value, in proportion to exp(logits)."""
    return draw_category(logits.softmax(-1).flatten(0, 1)).view(logits.shape[:-1])
