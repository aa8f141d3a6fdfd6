"""From the keywords of a recipe to the objective of its model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

import torch
from pydantic import Field

from pipeline.contract import Mixture, Task
from pipeline.errors import UserError
from pipeline.objectives.adversarial import GRADIENT, R1, Conditioned, Game, Name
from pipeline.objectives.divergences import Renyi, ReverseKL
from pipeline.objectives.explicit import Adversarial, ExplicitModel, Objective

ObjectiveName = Literal["forward_kl", "reverse_kl", "renyi", "adversarial", "hybrid"]
Order = Annotated[float, Field(gt=0, lt=1)]
Model = TypeVar("Model", bound=ExplicitModel)


@dataclass(frozen=True)
class Choice:
    """An objective and its settings; those of another objective are not used."""

    name: ObjectiveName
    order: float
    """a of the Rényi divergence."""
    weight: float
    """λ of the hybrid."""
    game: Name
    """The losses of an adversarial game."""
    penalty: float
    """Weight of its gradient penalty, 0 for none: that of WGAN-GP for "wasserstein", R1 for others."""
    steps_per_round: int
    """Critic steps for each step of the model."""


def choose(model: Model, task: Task, choice: Choice, critic: Callable[[], Conditioned]) -> Model:
    """The model with its objective set. The state of torch's generator is as if no critic had been made.

    Args:
        model: untrained.
        task: what it models.
        choice: the objective.
        critic: makes the critic, where the objective needs one.

    Raises:
        UserError: the objective needs the density of the data, and the task's is not known.
    """
    if objective := _objective(task, choice, critic):
        model.objective = objective
    return model


def _objective(task: Task, choice: Choice, critic: Callable[[], Conditioned]) -> Objective | None:
    if choice.name == "forward_kl":
        return None
    if choice.name == "reverse_kl":
        return ReverseKL(_truth(task, choice.name))
    if choice.name == "renyi":
        return Renyi(_truth(task, choice.name), choice.order)
    with torch.random.fork_rng(devices=[]):
        made = critic()
    return Adversarial(_game(choice), made, task.event.scale, choice.weight if choice.name == "hybrid" else None)


def _game(choice: Choice) -> Game:
    penalty = (GRADIENT if choice.game == "wasserstein" else R1) if choice.penalty else None
    return Game(choice.game, choice.steps_per_round, penalty, choice.penalty)


def _truth(task: Task, objective: str) -> Mixture:
    if not isinstance(task.truth, Mixture) or task.condition.kind != "none":
        raise UserError(
            f"objective {objective!r} needs the density of the data, which task {task.name} does not have: use it on a "
            "mixture without a condition, or choose forward_kl, adversarial or hybrid"
        )
    return task.truth
