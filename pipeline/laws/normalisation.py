"""Laws of those that know importance weights or a likelihood: probabilities add up to one.

    points    int p(x | c) dx = E_q[ w(x) / q(x) ]      q is wide, and has half of its mass around the model's samples
    images    sum_x p(x | c) = sum_x E[ w(x) ]          over all images of an event that has few

with E[w] = p, and w = p for an exact likelihood. Images are enumerated, and the sum has to be 1 on both sides: one that
is too small is that of a model that scores less than it samples, such as one whose bins are cut off. The weights of a
model that is only `Weighted` are averaged over `SWEEPS` times as many draws, for the sum of a few is most often too
small where rare draws have heavy weights. Where the weights' effective sample size (Kong, Liu, Wong 1994, J. Amer.
Statist. Assoc. 89) is still below `EFFECTIVE`, or where not all that is likely is looked at, the sum is bounded above
only.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from pipeline.contract import Event, Exact, GenerativeModel, Weighted
from pipeline.laws.law import law, require
from pipeline.laws.problem import conditions
from pipeline.laws.subject import Subject

COUNT = 2048
SAMPLES, NEIGHBOURS = 256, 8
"""Of the model's, around which points are proposed, as far away as so many others are."""
DEVIATIONS = 4
"""Standard errors that an estimate may be off."""
ROUNDING = 0.02
"""What it may be off besides: an ODE is solved in steps."""
SWEEPS = 16
"""How many times more draws there are of a model whose weights are estimates."""
EFFECTIVE = 200
"""Draws of equal weight that the sum has to be worth before it is bounded below."""
MARKOV = 1e3
"""However heavy its tail, a mean of numbers whose expectation is 1 exceeds this less than once in a thousand times."""


class Proposed(NamedTuple):
    """Where probabilities are looked at."""

    x: Tensor
    """(COUNT, *event)."""
    log_q: Tensor
    """(COUNT,) nats: how likely x were to be proposed."""
    sweep: int = 1
    """Rows that are one estimate together: every image once."""
    everywhere: bool = True
    """Whether all that is likely is among them, so that nothing is missing from the sum."""


@law(lambda subject: isinstance(subject.made, Weighted) and subject.task.event.levels is None)
def a_density_integrates_to_one(subject: Subject) -> None:
    """exp(`log_weight`), which is p(x | c) where a model is `Exact`, integrates to 1 over x."""
    model, c = subject.stirred(), conditions(subject.task, 1)
    _adds_up(model, c, _around_samples(model, c, subject.task.event))


@law(lambda subject: isinstance(subject.made, Weighted) and subject.countable is not None)
def masses_of_all_images_add_up_to_one(subject: Subject) -> None:
    """exp(`log_weight`), which is P(x | c) where a model is `Exact`, adds up to 1 over all images of a tiny event."""
    small = subject.countable
    assert small is not None
    _adds_up(small.stirred(), conditions(small.task, 1), _all_images(small.task.event))


@torch.no_grad()
def _around_samples(model: GenerativeModel, c: Tensor, event: Event) -> Proposed:
    """From a mixture of Gaussians: a wide one, and one at each sample, as wide as its neighbourhood.

    WHY: one alone would not find modes that are narrower than its draws are apart.
    """
    samples = model.sample(c.repeat_interleave(SAMPLES, 0))
    reach = torch.cdist(samples, samples).kthvalue(NEIGHBOURS + 1, dim=1).values.clamp(min=1e-3 * event.scale)
    centres = torch.cat([samples, torch.zeros(1, *event.shape)])
    widths = torch.cat([reach, torch.tensor([2 * event.scale])])[:, None].expand_as(centres)
    shares = torch.cat([torch.full((SAMPLES,), 1 / SAMPLES), torch.ones(1)])
    q = MixtureSameFamily(Categorical(shares), Independent(Normal(centres, widths), 1))
    x = q.sample((COUNT,))
    return Proposed(x, q.log_prob(x))


def _all_images(event: Event) -> Proposed:
    """Each as often as any other; random ones where they are more than COUNT."""
    total, log_q = event.grid**event.dims, torch.full((COUNT,), -event.dims * math.log(event.grid))
    if total > COUNT:
        return Proposed(event.value(torch.randint(event.grid, (COUNT, *event.shape))), log_q, everywhere=False)
    levels = torch.tensor(list(itertools.product(range(event.grid), repeat=event.dims)))
    return Proposed(event.value(levels).view(-1, *event.shape).repeat(COUNT // total, 1, 1, 1), log_q, sweep=total)


@torch.no_grad()
def _adds_up(model: GenerativeModel, c: Tensor, proposed: Proposed) -> None:
    assert isinstance(model, Weighted)
    under, draws = c.repeat_interleave(COUNT, 0), 1 if isinstance(model, Exact) else SWEEPS
    log_w = torch.cat([model.log_weight(proposed.x, under).double() - proposed.log_q.double() for _ in range(draws)])
    estimates = log_w.exp().view(-1, proposed.sweep).mean(1)
    total, error = float(estimates.mean()), float(estimates.std()) / math.sqrt(len(estimates))
    said = f"probabilities add up to {total:.3g} (standard error {error:.1g}) under one condition; it must be 1"
    slack = DEVIATIONS * error + ROUNDING
    require(total <= 1 + min(MARKOV, slack), said)  # no number is not below it either
    if proposed.everywhere and (isinstance(model, Exact) or _effective(estimates) >= EFFECTIVE):
        require(total >= 1 - slack, said)


def _effective(weights: Tensor) -> float:
    """How many draws of equal weight tell as much as these: (sum w)² / sum w²."""
    return float(weights.sum().square() / weights.square().sum())
