"""What recipes there are, read from the code itself: docstrings, signatures and the classes that they return."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

from pipeline.contract import Bounded, Exact, GenerativeModel, Weighted
from pipeline.errors import UserError
from pipeline.families.registry import HERE, recipes

ROOT = HERE.parents[1]
EVENTS = ("points", "images")


@dataclass(frozen=True)
class Keyword:
    """One key that a recipe takes in params.yaml."""

    name: str
    kind: str
    default: str


@dataclass(frozen=True)
class Entry:
    """One recipe. `summary` is the docstring without its equation; `file` is where the model's class stands: a path in
    this repository, or another package's module."""

    family: str
    recipe: str
    events: tuple[str, ...]
    summary: str
    equation: str
    likelihood: str
    knob: str | None
    file: str
    keywords: tuple[Keyword, ...]


def entries(family: str) -> Iterator[Entry]:
    """Each recipe of a family, in the order of its recipe.py."""
    module = recipes(family, "families")
    for name in module.__all__:
        yield describe(family, name, getattr(module, name))


def describe(family: str, name: str, recipe: Callable[..., GenerativeModel]) -> Entry:
    """What a recipe's function says of itself."""
    events = tuple(kind for kind in EVENTS if name.endswith(f"_{kind}")) or EVENTS
    short = name.removesuffix(f"_{events[0]}") if len(events) == 1 else name
    model = promised(recipe)
    summary, _, equation = inspect.cleandoc(recipe.__doc__ or "").partition("Equation:")
    equation, _, rest = equation.partition("\n\n")
    return Entry(
        family=family,
        recipe=short,
        events=events,
        summary=_line(f"{summary} {rest}"),
        equation=_line(equation).rstrip("."),
        likelihood=likelihood(model),
        knob=model.knob,
        file=_file(recipe if inspect.isabstract(model) else model),
        keywords=tuple(_keywords(recipe)),
    )


def promised(recipe: Callable[..., GenerativeModel]) -> type[GenerativeModel]:
    """The class of the models that a recipe makes: its return annotation, or itself.

    Raises:
        UserError: it does not say.
    """
    model = recipe if inspect.isclass(recipe) else get_type_hints(recipe).get("return")
    if not (inspect.isclass(model) and issubclass(model, GenerativeModel)):
        name = f"{recipe.__module__}:{recipe.__qualname__}"
        raise UserError(f"recipe {name} does not say what it makes: annotate its return with the model's class")
    return model


def likelihood(model: type[GenerativeModel]) -> str:
    """The most that such a model knows of its likelihood, in the words of the contract."""
    kinds = {Exact: "exact", Weighted: "importance-weighted bound", Bounded: "lower bound"}
    return next((word for kind, word in kinds.items() if issubclass(model, kind)), "none")


def _keywords(recipe: Callable[..., GenerativeModel]) -> Iterator[Keyword]:
    for parameter in inspect.signature(recipe).parameters.values():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            yield Keyword(parameter.name, str(parameter.annotation), repr(parameter.default))


def _file(thing: Callable[..., Any]) -> str:
    path = Path(inspect.getfile(thing))
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(HERE) else thing.__module__


def _line(text: str) -> str:
    return " ".join(text.split())
