"""Toy tasks: each kind of event with each kind of condition, and random batches of them."""

from __future__ import annotations

from typing import NamedTuple, get_args

import torch
from torch import Tensor

from pipeline.contract import Batch, Condition, ConditionKind, Event, Mixture, Task
from pipeline.processes import GaussianAutoregression, HiddenMarkov, Process

POINTS, GREY, COLOUR = Event((2,), scale=1.5), Event((1, 8, 8), levels=5), Event((3, 8, 8), levels=4)
SERIES, SYMBOLS, STEREO = Event((1, 8), scale=1.5), Event((1, 8), levels=5), Event((2, 8), levels=4)
EVENTS = {
    "points": POINTS, "grey": GREY, "colour": COLOUR, "series": SERIES, "symbols": SYMBOLS, "stereo": STEREO
}  # fmt: skip
ENUMERABLE = {
    "grey, 1 x 2 x 2": Event((1, 2, 2), levels=2),
    "grey, 1 x 4 x 4": Event((1, 4, 4), levels=2),
    "colour, 3 x 1 x 2": Event((3, 1, 2), levels=2),
    "colour, 3 x 4 x 4": Event((3, 4, 4), levels=2),
    "series, 1 x 2": Event((1, 2), scale=1.5),
    "series, 1 x 4": Event((1, 4), scale=1.5),
    "symbols, 1 x 2": Event((1, 2), levels=2),
    "symbols, 1 x 8": Event((1, 8), levels=2),
    "stereo, 2 x 2": Event((2, 2), levels=2),
    "stereo, 2 x 4": Event((2, 4), levels=2),
}
"""Events for sums over all images or sequences, and for integrals: of each kind the smallest, and one for networks that
halve it."""
TRUTH = Mixture(((0.0, 1.0), (1.0, 0.0), (-1.0, 0.0)), 0.2, (0.25, 0.5, 0.25))
AUTOREGRESSION = GaussianAutoregression((0.6, -0.3), 0.5)


class Problem(NamedTuple):
    """The names of an event, in `EVENTS` or `ENUMERABLE`, and of a kind of condition."""

    event: str
    condition: str

    @property
    def task(self) -> Task:
        event = (EVENTS | ENUMERABLE)[self.event]
        return Task("toy", event, condition(self.condition, event), truth(event))


PROBLEMS = (
    *(Problem("points", kind) for kind in ("none", "class", "box")),
    *(Problem("grey", kind) for kind in get_args(ConditionKind)),
    Problem("colour", "none"),
    *(Problem(event, kind) for event in ("series", "symbols") for kind in ("none", "class")),
    Problem("stereo", "none"),
)
"""The problems of the laws of models. Several channels have one condition: channels and conditions do not interact."""


def truth(event: Event) -> Mixture | Process | None:
    """A toy truth: a mixture of points, a process of sequences of one channel; images and stereo have none."""
    if event.kind == "points":
        return TRUTH
    if event.kind == "images" or event.shape[0] > 1:
        return None
    if event.levels is None:
        return AUTOREGRESSION
    rest = 0.2 / (event.levels - 1)
    return HiddenMarkov(
        initial=(0.5, 0.5),
        transition=((0.9, 0.1), (0.3, 0.7)),
        emission=tuple(tuple(0.8 if k == state else rest for k in range(event.levels)) for state in range(2)),
    )


def enumerable(problem: Problem) -> list[Problem]:
    """Problems with the same kind of condition and few items or dimensions, in order of size; none for points."""
    return [problem._replace(event=name) for name in ENUMERABLE if name.startswith(problem.event)]


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
    """Random x (count, *event) on the support of the event, with random conditions."""
    event = task.event
    x = torch.randn(count, *event.shape) if event.levels is None else event.value(
        torch.randint(event.levels, (count, *event.shape))
    )  # fmt: skip
    return x, conditions(task, count)
