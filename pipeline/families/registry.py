"""From a family's and a recipe's name to a model.

A recipe is a function (task, *, keywords) -> GenerativeModel in `families/<family>/recipe.py`, named `<recipe>`, or
`<recipe>_points` and `<recipe>_images` where the two events want different networks. Its keywords are the keys in
params.yaml.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipeline.contract import GenerativeModel, Task
from pipeline.errors import UserError, suggest
from pipeline.params import ModelParams, bind

Recipe = Callable[..., GenerativeModel]


def check(events: str, model: str, spec: ModelParams) -> dict[str, Any]:
    """The recipe's keywords, complete and checked.

    Raises:
        UserError: no such family or recipe, or a keyword that the recipe does not take.
    """
    where = f"models.{events}.{model}"
    return bind(find(spec.family, spec.recipe or model, events, where), spec.keywords, where)


def build(task: Task, family: str, recipe: str, keywords: Mapping[str, Any]) -> GenerativeModel:
    """A fresh, untrained model."""
    return find(family, recipe, task.event.kind, f"models.{task.event.kind}")(task, **keywords)


def find(family: str, recipe: str, events: str, where: str) -> Recipe:
    families = [p.parent.name for p in Path(__file__).parent.glob("*/recipe.py")]
    if family not in families:
        raise UserError(f"params.yaml: {where}.family: unknown {family!r}; {suggest(family, families)}")
    module = importlib.import_module(f"pipeline.families.{family}.recipe")
    for name in (f"{recipe}_{events}", recipe):
        if name in module.__all__:
            function: Recipe = getattr(module, name)
            return function
    known = [n.removesuffix(f"_{events}") for n in module.__all__]
    hint = suggest(recipe, known)
    raise UserError(f"params.yaml: {where}: family {family} has no recipe {recipe!r} for {events}; {hint}")
