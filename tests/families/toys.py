"""Every recipe at toy width, on every event and every condition: what the contract suite runs over."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pipeline.families
from pipeline.contract import GenerativeModel, Task
from pipeline.families.registry import find
from pipeline.laws.models import BLIND
from pipeline.laws.problem import COLOUR, GREY, POINTS, PROBLEMS, Problem, batch, condition, conditions
from pipeline.laws.subject import Subject

__all__ = ["COLOUR", "GREY", "POINTS", "Toy", "batch", "build", "condition", "conditions", "recipes", "subject", "toys"]

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


@cache
def subject(toy: Toy) -> Subject:
    """One for all laws: what the model is has to be found out once."""
    problem = Problem(toy.event, toy.condition)
    function = find(toy.family, toy.recipe, problem.task.event.kind, "test")
    keywords = _keywords(toy.recipe, inspect.signature(function).parameters)
    return Subject(function, problem, keywords, blind=toy.recipe in BLIND)


def build(family: str, recipe: str, task: Task, **changes: Any) -> GenerativeModel:
    function = find(family, recipe, task.event.kind, "test")
    return function(task, **_keywords(recipe, inspect.signature(function).parameters, **changes))


def recipes(events: str) -> Iterator[tuple[str, str]]:
    """(family, recipe) of each recipe that takes such events; new ones are found by themselves."""
    for path in sorted(Path(pipeline.families.__path__[0]).glob("*/recipe.py")):
        family = path.parent.name
        for name in importlib.import_module(f"pipeline.families.{family}.recipe").__all__:
            if not name.endswith(("_points", "_images")) or name.endswith(f"_{events}"):
                yield family, name.removesuffix(f"_{events}")


def toys() -> list[Toy]:
    return [
        Toy(*recipe, *problem)
        for problem in PROBLEMS
        for recipe in recipes(problem.task.event.kind)
        if recipe[1] != "oracle" or problem.condition == "none"
    ]


def _keywords(recipe: str, known: Any, **changes: Any) -> dict[str, Any]:
    keywords = TOY_WIDTHS | OPTIONAL.get(recipe, {}) | changes
    return {name: value for name, value in keywords.items() if name in known}
