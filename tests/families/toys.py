"""Every recipe at toy width, on every event and every condition: what the contract suite runs over."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

import pipeline.families
from pipeline.contract import Batch, Condition, Event, GenerativeModel, Mixture, Task
from pipeline.families.registry import find

POINTS, GREY, COLOUR = Event((2,), scale=1.5), Event((1, 8, 8), levels=5), Event((3, 8, 8), levels=4)
TRUTH = Mixture(((0.0, 1.0), (1.0, 0.0), (-1.0, 0.0)), 0.2, (0.25, 0.5, 0.25))
EVENTS = {"points": POINTS, "grey": GREY, "colour": COLOUR}
TOY_WIDTHS = {
    "width": 16, "channels": 8, "blocks": 1, "layers": 3, "couplings": 2, "mixtures": 4, "latent": 3, "depth": 1,
    "steps": 4, "octaves": 2,
}  # fmt: skip
OPTIONAL = {"gated_pixelcnn": {"mixtures": 0}}
"""Keywords that put one thing in another's place: off, as they are by default."""


class Toy(NamedTuple):
    """One model on one event under one condition."""

    family: str
    recipe: str
    event: str
    condition: str

    @property
    def task(self) -> Task:
        event = EVENTS[self.event]
        return Task("toy", event, condition(self.condition, event), TRUTH if self.event == "points" else None)

    def build(self, **changes: Any) -> GenerativeModel:
        torch.manual_seed(0)
        return build(self.family, self.recipe, self.task, **changes)

    def calibrated(self) -> GenerativeModel:
        """Untrained, but with what calibration fits."""
        model = self.build()
        model.train()
        for player in model.players():
            player.loss(*batch(self.task, 32))
        model.eval().calibrate([batch(self.task, 32)], [batch(self.task, 32)])
        return model


def build(family: str, recipe: str, task: Task, **changes: Any) -> GenerativeModel:
    function = find(family, recipe, task.event.kind, "test")
    known = inspect.signature(function).parameters
    keywords = TOY_WIDTHS | OPTIONAL.get(recipe, {}) | changes
    return function(task, **{name: value for name, value in keywords.items() if name in known})


def condition(kind: str, event: Event) -> Condition:
    height, width = event.shape[-2:] if event.kind == "images" else (0, 0)
    return {
        "none": Condition(),
        "class": Condition("class", (), 3),
        "box": Condition("box", (4,)),
        "segmentation": Condition("segmentation", (height, width), 3),
        "grayscale": Condition("grayscale", (1, height, width)),
    }[kind]


def conditions(task: Task, count: int) -> Tensor:
    """c for `count` items."""
    kind, shape, size = task.condition.kind, task.condition.shape, task.condition.size
    if kind in ("class", "segmentation"):
        return torch.randint(size, (count, *shape))
    return torch.rand(count, *shape) if kind == "box" else torch.rand(count, *shape) * 2 - 1


def batch(task: Task, count: int) -> Batch:
    """Random x on the event's own support."""
    event = task.event
    x = torch.randn(count, *event.shape) if event.levels is None else event.value(
        torch.randint(event.levels, (count, *event.shape))
    )  # fmt: skip
    return x, conditions(task, count)


def recipes(events: str) -> Iterator[tuple[str, str]]:
    """(family, recipe) of each recipe that takes such events; new ones are found by themselves."""
    for path in sorted(Path(pipeline.families.__path__[0]).glob("*/recipe.py")):
        family = path.parent.name
        for name in importlib.import_module(f"pipeline.families.{family}.recipe").__all__:
            if not name.endswith(("_points", "_images")) or name.endswith(f"_{events}"):
                yield family, name.removesuffix(f"_{events}")


def toys() -> list[Toy]:
    found = [Toy(*recipe, "points", kind) for recipe in recipes("points") for kind in ("none", "class", "box")]
    found = [toy for toy in found if toy.recipe != "oracle" or toy.condition == "none"]
    kinds = ("none", "class", "box", "segmentation", "grayscale")
    found += [Toy(*recipe, "grey", kind) for recipe in recipes("images") for kind in kinds]
    return found + [Toy(*recipe, "colour", "none") for recipe in recipes("images")]
