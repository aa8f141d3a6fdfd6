"""Toy tasks: each kind of event under each kind of condition, and random batches of them."""

from __future__ import annotations

from typing import NamedTuple, get_args

import torch
from torch import Tensor

from pipeline.contract import Batch, Condition, ConditionKind, Event, Mixture, Task

POINTS, GREY, COLOUR = Event((2,), scale=1.5), Event((1, 8, 8), levels=5), Event((3, 8, 8), levels=4)
EVENTS = {"points": POINTS, "grey": GREY, "colour": COLOUR}
TINY = {
    "grey, 1 x 2 x 2": Event((1, 2, 2), levels=2),
    "grey, 1 x 4 x 4": Event((1, 4, 4), levels=2),
    "colour, 3 x 1 x 2": Event((3, 1, 2), levels=2),
    "colour, 3 x 4 x 4": Event((3, 4, 4), levels=2),
}
"""What stands for an event of images where all of them are to be counted: the smallest, or where a network halves."""
TRUTH = Mixture(((0.0, 1.0), (1.0, 0.0), (-1.0, 0.0)), 0.2, (0.25, 0.5, 0.25))


class Problem(NamedTuple):
    """An event, named as in `EVENTS` or `TINY`, under a kind of condition."""

    event: str
    condition: str

    @property
    def task(self) -> Task:
        event = (EVENTS | TINY)[self.event]
        return Task("toy", event, condition(self.condition, event), TRUTH if self.event == "points" else None)


PROBLEMS = (
    *(Problem("points", kind) for kind in ("none", "class", "box")),
    *(Problem("grey", kind) for kind in get_args(ConditionKind)),
    Problem("colour", "none"),
)
"""What a model is tried on: colour alone, because its channels and a condition have nothing to do with each other."""


def shrunk(problem: Problem) -> list[Problem]:
    """Images under the same kind of condition, so few that all can be counted; none stand for points."""
    return [problem._replace(event=name) for name in TINY if name.startswith(problem.event)]


def condition(kind: str, event: Event) -> Condition:
    """A toy condition that fits the event."""
    height, width = event.shape[-2:] if event.kind == "images" else (0, 0)
    return {
        "none": Condition(),
        "class": Condition("class", (), 3),
        "box": Condition("box", (4,)),
        "segmentation": Condition("segmentation", (height, width), 3),
        "grayscale": Condition("grayscale", (1, height, width)),
    }[kind]


def conditions(task: Task, count: int) -> Tensor:
    """Random c (count, *condition)."""
    kind, shape, size = task.condition.kind, task.condition.shape, task.condition.size
    if kind in ("class", "segmentation"):
        return torch.randint(size, (count, *shape))
    return torch.rand(count, *shape) if kind == "box" else torch.rand(count, *shape) * 2 - 1


def batch(task: Task, count: int) -> Batch:
    """Random x (count, *event) on the event's own support, under random conditions."""
    event = task.event
    x = torch.randn(count, *event.shape) if event.levels is None else event.value(
        torch.randint(event.levels, (count, *event.shape))
    )  # fmt: skip
    return x, conditions(task, count)
