"""Every recipe at toy width, on every event and every condition: for the conformance tests of all recipes."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pipeline.families
from pipeline.conformance.model_laws import UNCONDITIONAL_CONTROLS
from pipeline.conformance.subject import Subject
from pipeline.conformance.toy_tasks import (
    COLOUR,
    GREY,
    POINTS,
    PROBLEMS,
    SERIES,
    SYMBOLS,
    Problem,
    batch,
    condition,
    conditions,
)
from pipeline.contract import GenerativeModel, Task
from pipeline.families.registry import find

__all__ = [
    "COLOUR",
    "GREY",
    "POINTS",
    "SERIES",
    "SYMBOLS",
    "Toy",
    "batch",
    "build",
    "condition",
    "conditions",
    "recipes",
    "subject",
    "toys",
]

TOY_WIDTHS = {
    "width": 16, "channels": 8, "blocks": 1, "layers": 3, "couplings": 2, "mixtures": 4, "latent": 3, "depth": 1,
    "steps": 4, "octaves": 2, "nodes": 100, "moves": 2, "squeezes": 1, "stages": 1,
}  # fmt: skip
OPTIONAL = {"gated_pixelcnn": {"mixtures": 0}}
"""Keywords that put one thing in another's place: off, as they are by default."""
CONDITIONS = {"energy": ("none", "class"), "nade": ("none",), "pacgan": ("none",)}
"""The kinds of condition of a family that refuses the others."""


class Toy(NamedTuple):
    """One model on one event under one condition."""

    family: str
    recipe: str
    event: str
    condition: str


@cache
def subject(toy: Toy) -> Subject:
    """One for all laws, so that its model is built once."""
    problem = Problem(toy.event, toy.condition)
    function = _find(toy.family, toy.recipe, problem.task.event.kind)
    keywords = _keywords(toy.recipe, inspect.signature(function).parameters)
    return Subject(function, problem, keywords, unconditional=toy.recipe in UNCONDITIONAL_CONTROLS)


@cache
def _find(family: str, recipe: str, events: str) -> Callable[..., GenerativeModel]:
    """The registry reads the metadata of all installed packages at each call."""
    return find(family, recipe, events, "test")


def build(family: str, recipe: str, task: Task, **changes: Any) -> GenerativeModel:
    function = _find(family, recipe, task.event.kind)
    return function(task, **_keywords(recipe, inspect.signature(function).parameters, **changes))


def recipes(events: str) -> Iterator[tuple[str, str]]:
    """(family, recipe) of each recipe that takes such events; new ones are found by themselves."""
    for path in sorted(Path(pipeline.families.__path__[0]).glob("*/recipe.py")):
        family = path.parent.name
        for name in importlib.import_module(f"pipeline.families.{family}.recipe").__all__:
            if not name.endswith(("_points", "_images", "_sequences")) or name.endswith(f"_{events}"):
                yield family, name.removesuffix(f"_{events}")


def toys() -> list[Toy]:
    return [
        Toy(*recipe, *problem)
        for problem in PROBLEMS
        for recipe in recipes(problem.task.event.kind)
        if (recipe[1] != "oracle" or (problem.condition == "none" and problem.task.truth is not None))
        and (recipe[1] != "marginal" or problem.task.event.levels is not None)
        and problem.condition in CONDITIONS.get(recipe[0], (problem.condition,))
    ]


def _keywords(recipe: str, known: Any, **changes: Any) -> dict[str, Any]:
    keywords = TOY_WIDTHS | OPTIONAL.get(recipe, {}) | changes
    return {name: value for name, value in keywords.items() if name in known}
