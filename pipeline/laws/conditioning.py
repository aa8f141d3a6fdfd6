"""Laws of those that are told a condition: they hear it, and all of it."""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor
from torch.nn.functional import pdist

from pipeline.contract import GenerativeModel, Weighted
from pipeline.laws.law import law, require
from pipeline.laws.problem import conditions
from pipeline.laws.subject import Subject

PLACES = list(itertools.product((0, 1, 4, 7), repeat=2))  # of 8 x 8: neighbours that one halving joins, and the margins
WILD = "not finite under random weights: bound what grows without limit, such as an exponential's argument"


@law(lambda subject: subject.problem.condition != "none" and not subject.blind)
def a_conditional_model_reacts_to_its_condition(subject: Subject) -> None:
    """Under other conditions the samples of the same seed are others."""
    model = subject.awake()
    draws = []
    for c in (conditions(subject.task, 64), conditions(subject.task, 64)):
        torch.manual_seed(1)
        draws.append(model.sample(c))
        require(draws[-1].isfinite().all(), f"samples are {WILD}")
    require(not torch.equal(*draws), "the samples are the same under any condition: the model does not hear it")


@law(lambda subject: subject.problem.condition in ("segmentation", "grayscale") and subject.learns)
def no_place_of_a_map_is_blurred(subject: Subject) -> None:
    """An even map and those that differ from it at one place, by the same amount, have as many answers as they are."""
    model = subject.awake()
    x, c = subject.batch(16)
    maps = [torch.zeros_like(c)]
    for row, column in PLACES:
        maps.append(torch.zeros_like(c))
        maps[-1][..., row, column] = 1
    answers = torch.stack([_answer(model, x, c) for c in maps])
    require(answers.isfinite().all(), f"likelihoods or losses are {WILD}")
    apart = pdist(answers, p=math.inf).min() > 1e-6 * answers.abs().max()  # more than rounding
    require(apart, "two maps that differ at one place get one answer: the condition is pooled or blurred")


def _answer(model: GenerativeModel, x: Tensor, c: Tensor) -> Tensor:
    """What the model says of x, or else what its players lose, with the same noise whatever c is.

    Not samples: on few levels two of them may be rounded to one.
    """
    torch.manual_seed(1)
    if isinstance(model, Weighted):
        return model.log_weight(x, c).detach()
    halves = list(zip(x.chunk(2), c.chunk(2), strict=True))  # a single mean may be the same for two maps by chance
    return torch.stack([player.loss(*half).total for player in model.players() for half in halves]).detach()
