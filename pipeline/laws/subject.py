"""A recipe on a toy task: what the laws of models are put to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import torch
from torch import nn

from pipeline.contract import Batch, GenerativeModel, Task
from pipeline.laws.law import BrokenLawError, describe
from pipeline.laws.problem import Problem, batch, shrunk

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Subject:
    recipe: Callable[..., GenerativeModel]
    problem: Problem
    keywords: Mapping[str, Any] = field(default_factory=dict)
    blind: bool = False
    """A control whose samples need not follow the condition."""

    @property
    def task(self) -> Task:
        return self.problem.task

    @cached_property
    def made(self) -> GenerativeModel:
        """One to ask what it is; the laws change those that they build themselves."""
        return self.build()

    @cached_property
    def countable(self) -> Subject | None:
        """The same recipe on the smallest event whose images can be enumerated; None for points.

        Networks that halve an image raise on the smallest events, and so a larger one is tried after any exception.

        Raises:
            BrokenLawError: the recipe works on no such event; the exception of each is named.
        """
        wrong = []
        for problem in shrunk(self.problem):
            small = replace(self, problem=problem)
            try:
                small.stirred()
            except Exception as error:
                wrong.append(f"{problem.event}: {describe(error)}")
            else:
                return small
        if wrong:
            raise BrokenLawError(f"it works on no event small enough to enumerate its images ({'; '.join(wrong)})")
        return None

    @property
    def learns(self) -> bool:
        return bool(self.made.players())

    def build(self, **changes: Any) -> GenerativeModel:
        """A fresh, untrained model: the same one each time.

        Raises:
            UserError: the recipe refuses the task.
        """
        torch.manual_seed(0)
        model = self.recipe(self.task, **{**self.keywords, **changes})
        if not isinstance(model, GenerativeModel):
            raise BrokenLawError(f"the recipe makes a {type(model).__name__}, which is no GenerativeModel")
        return model

    def batch(self, count: int) -> Batch:
        return batch(self.task, count)

    def calibrated(self) -> GenerativeModel:
        """Untrained, but with what a first pass and calibration fit."""
        model = self.build().train()
        for player in model.players():
            player.loss(*self.batch(32))
        model.eval().calibrate([self.batch(32)], [self.batch(32)])
        return model

    def stirred(self) -> GenerativeModel:
        """Like `calibrated`, a little beside its initialisation: layers that start as the identity do something."""
        model = self.calibrated()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.05 * torch.randn_like(parameter))
        return model

    def awake(self) -> GenerativeModel:
        """Like `calibrated`, with weights that hide nothing."""
        model = self.build()
        if not model.players():  # a memory answers with what it stored
            model.calibrate([self.batch(64)], [self.batch(64)])
        return awake(model)


def awake(network: Network) -> Network:
    """With weights that no initialisation hides (zeros would hide the condition), in evaluation mode."""
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.3)
    return network.eval()
