"""What the models of this family share: annealed sampling, log Z by AIS, and a bound by RAISE."""

from __future__ import annotations

import abc
from typing import Generic

import torch
from torch import Tensor

from pipeline.contract import (
    Bounded,
    ChainDiagnostics,
    Condition,
    Event,
    Exact,
    LogNormaliser,
    SamplesByMarkovChain,
    SinglePlayer,
    Unnormalised,
)
from pipeline.families.energy.annealing import (
    Level,
    State,
    anneal,
    effective_share,
    levels,
    log_mean_weight,
    raise_log_weight,
)

CHAINS = 500
"""Chains of AIS for each label."""


class AnnealedModel(SinglePlayer, Unnormalised, SamplesByMarkovChain, abc.ABC, Generic[State]):
    """A model with a path of `steps` levels from its base (`annealing.Path`).

    The condition is none or a class, so that log Z has one value for each label.
    """

    knob = "temperature"

    def __init__(self, event: Event, kind: Condition, steps: int) -> None:
        super().__init__()
        self.event, self.steps = event, steps
        self.labels = kind.size if kind.kind == "class" else 1

    @abc.abstractmethod
    def draw_base(self, c: Tensor) -> State: ...

    @abc.abstractmethod
    def state(self, x: Tensor, c: Tensor) -> State: ...

    @abc.abstractmethod
    def log_density(self, state: State, level: Level) -> Tensor: ...

    @abc.abstractmethod
    def move(self, state: State, level: Level) -> tuple[State, Tensor]: ...

    @abc.abstractmethod
    def items(self, state: State) -> Tensor:
        """x (B, *event) of a state."""

    def label(self, c: Tensor) -> Tensor:
        """c (B, *condition) -> (B,) long; 0 where there is no condition."""
        return c if c.dim() == 1 else torch.zeros(len(c), dtype=torch.long, device=c.device)

    def each_label(self, count: int, like: Tensor) -> Tensor:
        """c (labels * count, *condition): each label `count` times, as the conditions in `like`."""
        if like.dim() == 1:
            return torch.arange(self.labels, device=like.device).repeat_interleave(count)
        return like.new_empty(count, 0)

    def log_unnormalised(self, x: Tensor, c: Tensor) -> Tensor:
        return self.log_density(self.state(x, c), levels(self.steps)[-1])

    @torch.no_grad()
    def log_normaliser(self, c: Tensor) -> LogNormaliser:
        run = anneal(self, self.each_label(CHAINS, c), levels(self.steps))
        found, label = log_mean_weight(run.log_weight.view(self.labels, CHAINS)), self.label(c)
        return LogNormaliser(found.log_mean[label], found.error[label], "AIS")

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        return self.items(anneal(self, c, levels(self.steps, self._temperature)).state)

    @torch.no_grad()
    def diagnostics(self, c: Tensor) -> ChainDiagnostics:
        run = anneal(self, c, levels(self.steps, self._temperature))
        effective = effective_share(run.log_weight, self.label(c), self.labels)
        return ChainDiagnostics(run.acceptance, effective, self.steps)

    @property
    def _temperature(self) -> float:
        return max(self.setting, COLDEST)


COLDEST = 1e-3
"""The temperature in place of 0, at which a transition is not defined."""


class RaiseBound(AnnealedModel[State], Bounded):
    """A model whose Z cannot be computed: RAISE bounds the likelihood of what its chains sample."""

    bound = "raise"

    @torch.no_grad()
    def elbo(self, x: Tensor, c: Tensor) -> Tensor:
        return raise_log_weight(self, x, c, levels(self.steps))


class Normalised(AnnealedModel[State], Exact):
    """A model whose Z is a sum or an integral that can be computed."""

    @abc.abstractmethod
    def log_normaliser(self, c: Tensor) -> LogNormaliser: ...

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return self.log_unnormalised(x, c) - self.log_normaliser(c).log_z
