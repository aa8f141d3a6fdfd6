"""Annealing between a base and a model that is known up to a constant: sampling, AIS and RAISE.

    f_k(x) = p_0(x)^(1 - t_k) f(x)^(t_k / T),    t_k = (k / K)²,  k = 0 .. K

with p_0 normalised and easy to sample, and transitions R_k that are reversible with respect to f_k. At the temperature
T = 1 the last one is the model itself. One chain x_0 ~ p_0, x_k ~ R_k(. | x_{k-1}) gives

    a sample    x_K, from a distribution p_K that tends to f / Z as K grows
    log w       sum_k log f_k(x_{k-1}) - log f_{k-1}(x_{k-1}),   E[w] = Z,  hence E[log w] <= log Z          (AIS)

A chain that starts at a test item x_K = x and goes back, x_{k-1} ~ R_k(. | x_k), gives by the same sum

    log v = log f(x) - sum_k log f_k(x_{k-1}) - log f_{k-1}(x_{k-1}),   E[v] = p_K(x),  E[log v] <= log p_K(x)   (RAISE)

since R_k(a | b) / R_k(b | a) = f_k(a) / f_k(b). So AIS estimates log p(x) = log f(x) - log Z from above, and RAISE
bounds from below the likelihood of what the chains sample. The truth lies between them where p_K is the model; where it
is not, the two are far apart. More levels are needed where the base has much mass that the model has not: t_k is denser
near 0.

References:
    AIS: Neal 2001, arXiv:physics/9803008; on RBMs Salakhutdinov & Murray 2008, ICML. RAISE: Burda, Grosse &
    Salakhutdinov 2015, arXiv:1412.8566. Both ways: Grosse, Ghahramani & Adams 2015, arXiv:1511.02543.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Generic, NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor

State = TypeVar("State")
"""Items of a batch at one place of their chains, with all that the next transition reads."""


class Level(NamedTuple):
    """f_k = p_0^base f^model; `number` is k."""

    number: int
    base: float
    model: float


class Path(Protocol[State]):
    """The densities f_k, and transitions that are reversible with respect to them."""

    def draw_base(self, c: Tensor) -> State:
        """One draw of p_0 for each row of c (B, *condition)."""
        ...

    def state(self, x: Tensor, c: Tensor) -> State:
        """x (B, *event), c (B, *condition) as states."""
        ...

    def log_density(self, state: State, level: Level) -> Tensor:
        """(B,) nats: log f_k; at level 0 log p_0, normalised."""
        ...

    def move(self, state: State, level: Level) -> tuple[State, Tensor]:
        """One transition, and the mean probability () that its proposals are accepted."""
        ...


class Annealed(NamedTuple, Generic[State]):
    """The ends of a batch of chains, their log weights (B,), and the mean acceptance () over levels."""

    state: State
    log_weight: Tensor
    acceptance: Tensor


def levels(count: int, temperature: float = 1.0) -> list[Level]:
    """The levels k = 0 .. `count`."""
    shares = [(k / count) ** 2 for k in range(count + 1)]
    return [Level(k, 1 - t, t / temperature) for k, t in enumerate(shares)]


def anneal(path: Path[State], c: Tensor, steps: Sequence[Level]) -> Annealed[State]:
    """Forward chains, one for each row of c (B, *condition); `log_weight` is that of AIS."""
    state = path.draw_base(c)
    log_weight = torch.zeros(len(c), device=c.device)
    acceptance = torch.zeros((), device=c.device)
    for before, level in pairwise(steps):
        log_weight = log_weight + path.log_density(state, level) - path.log_density(state, before)
        state, accepted = path.move(state, level)
        acceptance = acceptance + accepted / (len(steps) - 1)
    return Annealed(state, log_weight, acceptance)


def raise_log_weight(path: Path[State], x: Tensor, c: Tensor, steps: Sequence[Level]) -> Tensor:
    """(B,) nats: one draw of RAISE's log v for x (B, *event) given c (B, *condition)."""
    state = path.state(x, c)
    log_weight = path.log_density(state, steps[-1])
    for before, level in reversed(list(pairwise(steps))):
        state, _ = path.move(state, level)
        log_weight = log_weight - path.log_density(state, level) + path.log_density(state, before)
    return log_weight


class Estimate(NamedTuple):
    """log of a mean of weights, and its standard error, (...) each."""

    log_mean: Tensor
    error: Tensor


def log_mean_weight(log_weight: Tensor) -> Estimate:
    """log of the mean over the last axis of weights (..., N), with its standard error by the delta method.

    The error is understated where few chains carry most of the weight: read it with `effective_share`.
    """
    count = log_weight.shape[-1]
    log_mean = log_weight.logsumexp(-1) - math.log(count)
    relative = (log_weight - log_mean[..., None]).exp()  # w / mean w
    return Estimate(log_mean, relative.std(-1) / count**0.5)


def effective_share(log_weight: Tensor, label: Tensor, labels: int) -> Tensor:
    """(): (mean w)² / mean w² of log weights (N,), in (0, 1] (Kong, Liu & Wong 1994, J. Amer. Statist. Assoc. 89).

    Weights of different labels (N,) have different means, and each counts in units of the mean of its own label.
    """
    relative = torch.zeros_like(log_weight)
    for one in range(labels):
        own = label == one
        log_sum = log_weight.masked_fill(~own, -torch.inf).logsumexp(0)
        relative = torch.where(own, (log_weight - log_sum + own.sum().log()).exp(), relative)
    return 1 / relative.square().mean()
