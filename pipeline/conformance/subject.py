"""A recipe on a toy task, to which the laws of models are applied."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import torch
from torch import nn

from pipeline.conformance.law import LawError, describe
from pipeline.conformance.toy_tasks import Problem, batch, enumerable
from pipeline.contract import Batch, GenerativeModel, Task

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Subject:
    """A recipe on a toy task.

    Args:
        recipe: a function task -> model.
        problem: the names of the event and of the kind of condition.
        keywords: of the recipe.
        unconditional: a control whose samples need not depend on the condition.
    """

    recipe: Callable[..., GenerativeModel]
    problem: Problem
    keywords: Mapping[str, Any] = field(default_factory=dict)
    unconditional: bool = False

    @property
    def task(self) -> Task:
        return self.problem.task

    @cached_property
    def model(self) -> GenerativeModel:
        """An untrained model whose capabilities can be read; laws that change a model build their own."""
        return self.build()

    @property
    def learns(self) -> bool:
        return bool(self.model.players())

    def build(self, **changes: Any) -> GenerativeModel:
        """A new, untrained model, always with the same weights.

        Raises:
            UserError: the recipe does not support the task.
        """
        torch.manual_seed(0)
        model = self.recipe(self.task, **{**self.keywords, **changes})
        if not isinstance(model, GenerativeModel):
            raise LawError(f"the recipe returns a {type(model).__name__}, which is not a GenerativeModel")
        return model

    def batch(self, count: int) -> Batch:
        return batch(self.task, count)

    def calibrated(self) -> GenerativeModel:
        """An untrained model after one forward pass and calibration."""
        model = self.build().train()
        for player in model.players():
            player.loss(*self.batch(32))
        model.eval().calibrate([self.batch(32)], [self.batch(32)])
        return model

    def perturbed(self) -> GenerativeModel:
        """Like `calibrated`, with noise on the weights, so that no layer is the identity that it was initialised to."""
        model = self.calibrated()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.05 * torch.randn_like(parameter))
        return model

    def randomized(self) -> GenerativeModel:
        """A model with random weights; one without players stores a batch."""
        model = self.build()
        if not model.players():
            model.calibrate([self.batch(64)], [self.batch(64)])
        return randomize(model)

    def enumerable(self) -> tuple[Subject, GenerativeModel, str]:
        """The same recipe on the smallest event whose images can be enumerated, its `perturbed` model, and a note.

        Networks that halve an image raise on the smallest events; the next larger one is tried after any exception,
        and the note names each exception.

        Raises:
            LawError: the recipe works on no such event; the exception of each is named.
        """
        errors: list[str] = []
        for problem in enumerable(self.problem):
            small = replace(self, problem=problem)
            try:
                return small, small.perturbed(), "; ".join(errors)
            except Exception as error:  # third-party code may raise anything; it is reported
                errors.append(f"not on {problem.event}: {describe(error)}")
        raise LawError(f"it works on no event small enough to enumerate its images ({'; '.join(errors)})")


def randomize(network: Network) -> Network:
    """Replace all weights by N(0, 0.3²), since an initialisation with zeros hides the condition; evaluation mode."""
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.3)
    return network.eval()
