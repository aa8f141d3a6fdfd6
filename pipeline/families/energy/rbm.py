"""Restricted Boltzmann machines on images of levels, trained by contrastive divergence.

    log f(v, h) = sum_i [log p_i(v_i) + b_i u_i] + sum_j a_j h_j + sum_ij u_i W_ij h_j,   u_i = v_i / n,  h_j = 0, 1
    log f(v)    = sum_i [log p_i(v_i) + b_i u_i] + sum_j log(1 + e^(a_j + (u W)_j))
    P(v_i | h)  ~ p_i(v_i) e^(u_i (b_i + (W h)_i)),         P(h_j = 1 | v) = sigma(a_j + (u W)_j)

with levels v_i = 0 .. n and the histogram p_i of each value over the training data: a harmonium whose visible units are
an exponential family with the histogram as its base measure (Welling, Rosen-Zvi & Hinton 2005). At W = b = 0 the
visible values are independent and have their histograms; at two levels it is the binary machine. So a machine of the 17
levels of `digits` has bits/dim that compare with those of all other families, as those of binarised images would not.
The binomial units of Teh & Hinton 2001, n tied copies of a binary one, are the same with log C(n, v) in place of
log p_i(v): pixels whose levels are mostly 0 or n are far from any binomial.

    contrastive divergence  CD-k    negative phase: k Gibbs steps from the data             a biased gradient
    persistent              PCD-k   k Gibbs steps of chains that go on from step to step    close to that of log p

Summing over all h, or all v, gives Z exactly:

    Z = sum_h e^(a h) prod_i sum_v p_i(v) e^(u (b_i + (W h)_i))

Below, t is the exponent of the joint f(v, h) at a level of annealing or at a temperature 1 / t.

References:
    Smolensky 1986, in Parallel Distributed Processing 1; Hinton 2002, Neural Computation 14; Tieleman 2008, ICML;
    Welling, Rosen-Zvi & Hinton 2005, Exponential family harmoniums with an application to information retrieval, NIPS
    17; Teh & Hinton 2001, Rate-coded restricted Boltzmann machines for face recognition, NIPS 13.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.contract import Condition, Event, LogNormaliser, Loss
from pipeline.families.energy.annealed_model import AnnealedModel, Normalised, RaiseBound
from pipeline.families.energy.annealing import Level
from pipeline.families.energy.bases import HistogramBase, draw_levels
from pipeline.families.energy.chains import PersistentChains

CHUNK = 2**12
"""States that are summed at a time."""
MODEL = Level(1, 0.0, 1.0)


class Visible(NamedTuple):
    """Visible states: v (B, D) long in 0 .. n, and the biases b (B, D) and a (B, H) of their condition."""

    v: Tensor
    b: Tensor
    a: Tensor


class RBM(AnnealedModel[Visible]):
    """The machine; `condition` adds a learned offset to both biases for each label.

    Args:
        event: images.
        condition: encoder of the condition.
        kind: of the condition.
        width: of the vector that the encoder makes.
        hidden: binary hidden units.
        gibbs: Gibbs steps k of the negative phase.
        chains: persistent chains for each label, 0 for CD-k from the data.
        restart: share of the persistent chains that start again from the base before a step.
        steps: levels of annealing.
    """

    shares: Tensor
    """(L,): u of each level, from 0 to 1."""

    def __init__(
        self, event: Event, condition: nn.Module, kind: Condition, width: int, *, hidden: int, gibbs: int, chains: int,
        restart: float, steps: int,
    ) -> None:  # fmt: skip
        super().__init__(event, kind, steps)
        self.condition, self.gibbs, self.base = condition, gibbs, HistogramBase(event)
        self.weight = nn.Parameter(0.1 * torch.randn(event.dims, hidden))
        self.visible_bias, self.hidden_bias = nn.Parameter(torch.zeros(event.dims)), nn.Parameter(torch.zeros(hidden))
        self.offsets = nn.Linear(width, event.dims + hidden, bias=False) if width else None
        self.register_buffer("shares", torch.linspace(0, 1, event.grid), persistent=False)
        start = torch.randint(event.grid, (self.labels * chains, event.dims))
        self.chains = PersistentChains(start, self.labels, restart) if chains else None

    def biases(self, c: Tensor) -> tuple[Tensor, Tensor]:
        """c (B, *condition) -> b (B, D), a (B, H)."""
        both = torch.cat([self.visible_bias, self.hidden_bias]).expand(len(c), -1)
        if self.offsets is not None:
            both = both + self.offsets(self.condition(c).flat())
        return both.split([self.event.dims, len(self.hidden_bias)], dim=1)

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        if self.training:
            self.base.count(x)
        data = self.state(x, c)
        v, age = self._negative_phase(data, c)
        model = Visible(v, data.b[: len(v)], data.a[: len(v)])
        gap = self.free_energy(data).mean() - self.free_energy(model).mean()
        return Loss(gap, {"free_energy_gap": gap, "chain_age": age})

    @torch.no_grad()
    def _negative_phase(self, data: Visible, c: Tensor) -> tuple[Tensor, Tensor]:
        """Visible states (N, D) close to the model's, and the mean number () of Gibbs steps of their chains."""
        if self.chains is None:
            return self._gibbs(data), torch.full((), float(self.gibbs), device=c.device)
        chosen = self.chains.choose(self.label(c))
        count = len(chosen.place)
        chosen = self.chains.renew(chosen, self.base.draw(count))
        chosen = chosen._replace(x=self._gibbs(Visible(chosen.x, data.b[:count], data.a[:count])))
        return chosen.x, self.chains.put(chosen, self.gibbs)

    def _gibbs(self, state: Visible) -> Tensor:
        for _ in range(self.gibbs):
            state, _ = self.move(state, MODEL)
        return state.v

    def free_energy(self, state: Visible) -> Tensor:
        """-log f(v), (B,) nats."""
        return -self.log_density(state, MODEL)

    def state(self, x: Tensor, c: Tensor) -> Visible:
        return Visible(self.event.index(x).flatten(1), *self.biases(c))

    def items(self, state: Visible) -> Tensor:
        return self.event.value(state.v).view(-1, *self.event.shape)

    def draw_base(self, c: Tensor) -> Visible:
        return Visible(self.base.draw(len(c)), *self.biases(c))

    def log_density(self, state: Visible, level: Level) -> Tensor:
        v, b, a = state
        u = self.shares[v]
        units = F.softplus(level.model * (a + u @ self.weight)).sum(-1)
        if level.number == 0:
            units = units - len(self.hidden_bias) * math.log(2)  # each of the hidden states counts once
        return (level.base + level.model) * self.base.log_prob(v) + level.model * (b * u).sum(-1) + units

    def move(self, state: Visible, level: Level) -> tuple[Visible, Tensor]:
        """Gibbs: h given v, then v given h."""
        v, b, a = state
        h = torch.bernoulli((level.model * (a + self.shares[v] @ self.weight)).sigmoid())
        own = (level.base + level.model) * self.base.log_table()  # (D, L)
        field = level.model * (b + h @ self.weight.T)[..., None]  # (B, D, 1)
        return Visible(draw_levels(own + field * self.shares), b, a), b.new_ones(())


class ExactRBM(RBM, Normalised[Visible]):
    """A machine with few units on one side: log Z is a sum over its states."""

    @torch.no_grad()
    def log_normaliser(self, c: Tensor) -> LogNormaliser:
        b, a = self.biases(self.each_label(1, c))
        log_z = torch.stack([self._log_sum(*biases) for biases in zip(b, a, strict=True)])[self.label(c)]
        return LogNormaliser(log_z, torch.zeros_like(log_z), "exact")

    def _log_sum(self, b: Tensor, a: Tensor) -> Tensor:
        """log Z () for the biases b (D,) and a (H,), summed over the states of the smaller side."""
        table, device = self.base.log_table(), b.device
        if len(a) <= visible_bits(self.event):
            sums = []
            for h in _states(len(a), 2, device):
                field = (b + h.float() @ self.weight.T)[..., None]  # (N, D, 1)
                sums.append(h.float() @ a + (table + field * self.shares).logsumexp(-1).sum(-1))
        else:
            sums = [
                -self.free_energy(Visible(v, b.expand(len(v), -1), a.expand(len(v), -1)))
                for v in _states(len(b), self.event.grid, device)
            ]
        return torch.cat(sums).logsumexp(0)


class AnnealedRBM(RBM, RaiseBound[Visible]):
    """A machine with many units: log Z by AIS, the likelihood by RAISE."""


def visible_bits(event: Event) -> float:
    """log2 of the number of images."""
    return event.dims * math.log2(event.grid)


def _states(units: int, values: int, device: torch.device) -> Iterator[Tensor]:
    """All (values^units, units) long, `CHUNK` rows at a time."""
    total = values**units
    place = values ** torch.arange(units - 1, -1, -1, device=device)
    for first in range(0, total, CHUNK):
        rows = torch.arange(first, min(first + CHUNK, total), device=device)
        yield rows[:, None] // place % values
