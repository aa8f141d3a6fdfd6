"""The models of params.yaml by recipe: what each is, its equation and paper, and the keywords that it is given here.

What a recipe says of itself is read from the docstrings of `families/<family>/recipe.py` as text: importing them
would import torch.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pipeline
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
    models: list[Model]


def recipes(params: Params, measured: Mapping[str, Mapping[str, list[str]]]) -> list[Recipe]:
    """`measured`: events -> model -> tasks. By family, then in the order of params.yaml; only what was measured."""
    found: dict[tuple[str, str, str], Recipe] = {}
    for events, tasks in measured.items():
        for name, spec in params.models[events].items():
            if name in tasks and spec.family != "control":
                recipe = spec.recipe or name
                made = Recipe(spec.family, recipe, events, words(spec.family, recipe, events), [])
                kept = found.setdefault((spec.family, recipe, events), made)
                kept.models.append(_model(name, spec, tasks[name]))
    return sorted(found.values(), key=lambda recipe: (recipe.family, recipe.name, recipe.events))


def words(family: str, recipe: str, events: str) -> Words:
    """Of a recipe here; of one from elsewhere there are none."""
    said = _docstrings(family)
    text = said.get(f"{recipe}_{events}") or said.get(recipe) or ""
    summary, _, equation = text.partition("Equation:")
    equation, _, rest = equation.partition("\n\n")
    return Words(_line(f"{summary} {rest}"), _line(equation).rstrip("."))


@cache
def _docstrings(family: str) -> Mapping[str, str]:
    path = FAMILIES / family / "recipe.py"
    tree = ast.parse(path.read_text(encoding="utf-8")) if path.is_file() else ast.Module([], [])
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    return {f.name: inspect.cleandoc(ast.get_docstring(f) or "") for f in functions}


def _model(name: str, spec: ModelParams, tasks: list[str]) -> Model:
    return Model(name, ", ".join(_pairs(spec.model_extra or {})), ", ".join(_pairs(spec.training)), tasks)


def _pairs(block: Mapping[str, Any]) -> Iterator[str]:
    return (f"{key}: {str(value).lower() if isinstance(value, bool) else value}" for key, value in block.items())


def _line(text: str) -> str:
    return " ".join(text.split())
