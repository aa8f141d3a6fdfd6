"""Find a recipe by the names of its family and itself, and build a model.

A recipe is a function (task, *, keywords) -> GenerativeModel in `families/<family>/recipe.py`, named `<recipe>`, or
`<recipe>_points`, `<recipe>_images` and `<recipe>_sequences` if these need different networks. Its keywords are the
keys in params.yaml. A family of another package is a module of recipes like these, named by an entry point.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from pipeline import plugins
from pipeline.contract import GenerativeModel, Task
from pipeline.errors import UserError, suggest
from pipeline.params import EVENTS, ModelParams, bind

Recipe = Callable[..., GenerativeModel]
HERE = Path(__file__).parent


def check(events: str, model: str, spec: ModelParams) -> dict[str, Any]:
    """The keywords of a recipe, validated and with defaults.

    Raises:
        UserError: no such family or recipe, or a keyword that the recipe does not take.
    """
    where = f"models.{events}.{model}"
    return bind(find(spec.family, spec.recipe or model, events, where), spec.keywords, where)


def build(task: Task, family: str, recipe: str, keywords: Mapping[str, Any]) -> GenerativeModel:
    """A fresh, untrained model.

    Raises:
        UserError: no such family or recipe, or a keyword that the recipe does not take.
    """
    where = f"models.{task.event.kind}"
    function = find(family, recipe, task.event.kind, where)
    return function(task, **bind(function, keywords, where))


def short_name(recipe: str) -> str:
    """The name of a recipe without the suffix of a kind of event."""
    return next((recipe.removesuffix(f"_{kind}") for kind in EVENTS if recipe.endswith(f"_{kind}")), recipe)


def ours() -> list[str]:
    """The names of the families in this folder."""
    return sorted(path.parent.name for path in HERE.glob("*/recipe.py"))


def recipes(family: str, where: str) -> ModuleType:
    """The module with the recipes of a family of this or another package; its `__all__` lists them.

    Raises:
        UserError: there is no such family, or its package is invalid.
    """
    entry = plugins.find("models", family, ours(), where)
    module = plugins.load(entry) if entry else importlib.import_module(f"pipeline.families.{family}.recipe")
    if not (isinstance(module, ModuleType) and hasattr(module, "__all__")):
        raise UserError(f"{where}: family {family!r} is no module that lists its recipes in __all__; fix its package")
    return module


def find(family: str, recipe: str, events: str, where: str) -> Recipe:
    """A recipe for tasks of `events`; `where` is the block of params.yaml that an error names.

    Raises:
        UserError: there is no such family, or it has no such recipe.
    """
    module = recipes(family, f"params.yaml: {where}.family")
    for name in (f"{recipe}_{events}", recipe):
        if name in module.__all__:
            function: Recipe = getattr(module, name)
            return function
    known = [n.removesuffix(f"_{events}") for n in module.__all__]
    hint = suggest(recipe, known)
    raise UserError(f"params.yaml: {where}: family {family} has no recipe {recipe!r} for {events}; {hint}")
