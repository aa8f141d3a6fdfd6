"""Laws of models with importance weights or a likelihood: probabilities sum to one.

    real values    int p(x | c) dx = E_q[ w(x) / q(x) ]      q is wide, with half of its mass around the model's samples
    levels         sum_x p(x | c) = sum_x E[ w(x) ]          over all items of an event with few of them

with E[w] = p, and w = p for an exact likelihood. Items are enumerated, and the sum must be neither above nor below 1:
below 1, the model gives samples less probability than it draws them with, for example where its bins are truncated. The
weights of a model that is only `Weighted` are averaged over `SWEEPS` times as many draws, since with heavy-tailed
weights a mean of few draws is usually too small. Where the effective sample size of the weights (Kong, Liu, Wong 1994,
J. Amer. Statist. Assoc. 89) is still below `EFFECTIVE`, or the proposals do not cover all likely x, only the upper
bound is tested.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from pipeline.conformance.law import law, require
from pipeline.conformance.subject import Subject
from pipeline.conformance.toy_tasks import conditions
from pipeline.contract import Event, Exact, GenerativeModel, Weighted

COUNT = 2048
DIMENSIONS = 2
"""Of the largest event over which a density is integrated as it is; of others a smaller one takes its place."""
SAMPLES, NEIGHBOURS = 256, 8
"""Samples of the model at which the proposal is centred, and the neighbour whose distance is its width there."""
DEVIATIONS = 4
"""Standard errors by which an estimate may be off."""
ROUNDING = 0.02
"""Additional tolerance, for the discretisation error of ODE solvers."""
SWEEPS = 16
"""Factor on the number of draws for a model whose weights are estimates."""
EFFECTIVE = 200
"""The smallest effective sample size at which the lower bound is tested."""
MARKOV = 1e3
"""By Markov's inequality a mean of non-negative numbers with expectation 1 exceeds this with probability < 1/1000."""


class Proposals(NamedTuple):
    """Points at which probabilities are evaluated."""

    x: Tensor
    """(COUNT, *event)."""
    log_q: Tensor
    """(COUNT,) the proposal's log density or log mass, in nats."""
    sweep: int = 1
    """Rows that make one estimate together: each image once."""
    complete: bool = True
    """Whether the proposals cover all likely x, so that the sum is not too small."""


@law(lambda subject: isinstance(subject.model, Weighted) and subject.task.event.levels is None)
def a_density_integrates_to_one(subject: Subject) -> str:
    """exp(`log_weight`), which is p(x | c) where a model is `Exact`, integrates to 1 over x, of few dimensions."""
    if subject.task.event.dims <= DIMENSIONS:
        small, model, note = subject, subject.perturbed(), ""
    else:
        small, model, note = subject.enumerable()
    c = conditions(small.task, 1)
    _require_sum_of_one(model, c, _around_samples(model, c, small.task.event))
    return note


@law(lambda subject: isinstance(subject.model, Weighted) and subject.task.event.levels is not None)
def masses_of_all_images_sum_to_one(subject: Subject) -> str:
    """exp(`log_weight`), which is P(x | c) where a model is `Exact`, sums to 1 over all items of a tiny event."""
    small, model, note = subject.enumerable()
    _require_sum_of_one(model, conditions(small.task, 1), _all_images(small.task.event))
    return note


@torch.no_grad()
def _around_samples(model: GenerativeModel, c: Tensor, event: Event) -> Proposals:
    """Draws of a mixture of Gaussians: a wide one, and one at each sample, as wide as the distance to its neighbours.

    The wide one alone would miss modes narrower than the distance between its draws.
    """
    samples = model.sample(c.repeat_interleave(SAMPLES, 0)).flatten(1)
    reach = torch.cdist(samples, samples).kthvalue(NEIGHBOURS + 1, dim=1).values.clamp(min=1e-3 * event.scale)
    centres = torch.cat([samples, torch.zeros(1, event.dims)])
    widths = torch.cat([reach, torch.tensor([2 * event.scale])])[:, None].expand_as(centres)
    shares = torch.cat([torch.full((SAMPLES,), 1 / SAMPLES), torch.ones(1)])
    q = MixtureSameFamily(Categorical(shares), Independent(Normal(centres, widths), 1))
    x = q.sample((COUNT,))
    return Proposals(x.unflatten(1, event.shape), q.log_prob(x))


def _all_images(event: Event) -> Proposals:
    """All images equally often; COUNT random ones where there are more."""
    total, log_q = event.grid**event.dims, torch.full((COUNT,), -event.dims * math.log(event.grid))
    if total > COUNT:
        return Proposals(event.value(torch.randint(event.grid, (COUNT, *event.shape))), log_q, complete=False)
    levels = torch.tensor(list(itertools.product(range(event.grid), repeat=event.dims)))
    return Proposals(
        event.value(levels).view(-1, *event.shape).repeat(COUNT // total, *[1] * len(event.shape)), log_q, sweep=total
    )


@torch.no_grad()
def _require_sum_of_one(model: GenerativeModel, c: Tensor, proposals: Proposals) -> None:
    assert isinstance(model, Weighted)
    rows, draws = c.repeat_interleave(COUNT, 0), 1 if isinstance(model, Exact) else SWEEPS
    log_w = torch.cat([model.log_weight(proposals.x, rows).double() - proposals.log_q.double() for _ in range(draws)])
    estimates = log_w.exp().view(-1, proposals.sweep).mean(1)
    total, error = float(estimates.mean()), float(estimates.std()) / math.sqrt(len(estimates))
    message = f"probabilities sum to {total:.3g} (standard error {error:.1g}) for one condition; it must be 1"
    tolerance = DEVIATIONS * error + ROUNDING
    require(total <= 1 + min(MARKOV, tolerance), message)  # NaN fails too
    if proposals.complete and (isinstance(model, Exact) or _effective_sample_size(estimates) >= EFFECTIVE):
        require(total >= 1 - tolerance, message)


def _effective_sample_size(weights: Tensor) -> float:
    """The effective sample size, (sum w)² / sum w²."""
    return float(weights.sum().square() / weights.square().sum())
