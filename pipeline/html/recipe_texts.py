"""The models of params.yaml by recipe: what each is, its equation and paper, and the keywords that it is given here.

What a recipe says of itself is read from the docstrings of `families/<family>/recipe.py` as text: importing them
would import torch. Of a family that another package brings it is its module, where the package is installed.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pipeline
from pipeline import plugins
from pipeline.params import ModelParams, Params

FAMILIES = Path(pipeline.__file__).parent / "families"


class Words(NamedTuple):
    """`equation` is empty where none is given."""

    summary: str = ""
    equation: str = ""


class Model(NamedTuple):
    """One model of params.yaml; `tasks` are those that it was measured on."""

    name: str
    keywords: str
    training: str
    tasks: list[str]


class Recipe(NamedTuple):
    family: str
    name: str
    events: str
    words: Words
    package: str
    """'name version' of the package that brings it; empty of one here, or where that is not installed."""
    models: list[Model]


def recipes(params: Params, measured: Mapping[str, Mapping[str, list[str]]]) -> list[Recipe]:
    """`measured`: events -> model -> tasks. By family, then in the order of params.yaml; only what was measured."""
    found: dict[tuple[str, str, str], Recipe] = {}
    for events, tasks in measured.items():
        for name, spec in params.models[events].items():
            if name in tasks and spec.family != "control":
                recipe = spec.recipe or name
                made = Recipe(spec.family, recipe, events, words(spec.family, recipe, events), package(spec.family), [])
                kept = found.setdefault((spec.family, recipe, events), made)
                kept.models.append(_model(name, spec, tasks[name]))
    return sorted(found.values(), key=lambda recipe: (recipe.family, recipe.name, recipe.events))


def words(family: str, recipe: str, events: str) -> Words:
    """Of a recipe: what its function says, or else, of one from elsewhere, what its module begins with."""
    path = FAMILIES / family / "recipe.py"
    said = _docstrings(path if path.is_file() else _module(family))
    text = said.get(f"{recipe}_{events}") or said.get(recipe) or said.get("", "")
    summary, _, equation = text.partition("Equation:")
    equation, _, rest = equation.partition("\n\n")
    return Words(_line(f"{summary} {rest}"), _line(equation).rstrip("."))


def package(family: str) -> str:
    entry = plugins.announced("models").get(family)
    return f"{entry.dist.name} {entry.dist.version}" if entry and entry.dist else ""


def _module(family: str) -> Path | None:
    """The file that an entry point names, found without importing it."""
    entry = plugins.announced("models").get(family)
    for root in plugins.roots(entry) if entry else ():
        place = root.joinpath(*entry.module.split(".")[1:]) if entry and root.is_dir() else root
        for path in (place, place.with_suffix(".py"), place / "__init__.py"):
            if path.is_file():
                return path
    return None


@cache
def _docstrings(path: Path | None) -> Mapping[str, str]:
    """Function -> docstring; "" -> the first paragraph of the module's."""
    tree = ast.parse(path.read_text(encoding="utf-8")) if path else ast.Module([], [])
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    first = inspect.cleandoc(ast.get_docstring(tree) or "").partition("\n\n")[0]
    return {"": first} | {f.name: inspect.cleandoc(ast.get_docstring(f) or "") for f in functions}


def _model(name: str, spec: ModelParams, tasks: list[str]) -> Model:
    return Model(name, ", ".join(_pairs(spec.model_extra or {})), ", ".join(_pairs(spec.training)), tasks)


def _pairs(block: Mapping[str, Any]) -> Iterator[str]:
    return (f"{key}: {str(value).lower() if isinstance(value, bool) else value}" for key, value in block.items())


def _line(text: str) -> str:
    return " ".join(text.split())
