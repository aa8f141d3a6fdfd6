"""The recipes of all families, read from their docstrings, signatures and return annotations."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

from pipeline import docstring
from pipeline.contract import Bounded, Exact, GenerativeModel, Unnormalised, Weighted
from pipeline.errors import UserError
from pipeline.families.registry import HERE, recipes
from pipeline.params import EVENTS

ROOT = HERE.parents[1]


@dataclass(frozen=True)
class Keyword:
    """One keyword of a recipe: a key of its models in params.yaml."""

    name: str
    kind: str
    default: str
    meaning: str


@dataclass(frozen=True)
class RecipeEntry:
    """One recipe. `file` has the model's class: a path in this repository, or the module of another package."""

    family: str
    recipe: str
    events: tuple[str, ...]
    summary: str
    equation: str
    likelihood: str
    knob: str | None
    file: str
    keywords: tuple[Keyword, ...]


def entries(family: str) -> Iterator[RecipeEntry]:
    """Each recipe of a family, in the order of its recipe.py."""
    module = recipes(family, "families")
    for name in module.__all__:
        yield describe(family, name, getattr(module, name))


def describe(family: str, name: str, recipe: Callable[..., GenerativeModel]) -> RecipeEntry:
    """The documentation of a recipe, from its function."""
    events = tuple(kind for kind in EVENTS if name.endswith(f"_{kind}")) or EVENTS
    short = name.removesuffix(f"_{events[0]}") if len(events) == 1 else name
    model = model_class(recipe)
    text = docstring.parse(recipe.__doc__)
    return RecipeEntry(
        family=family,
        recipe=short,
        events=events,
        summary=text.summary,
        equation=text.equation,
        likelihood=likelihood(model),
        knob=model.knob,
        file=_file(recipe if inspect.isabstract(model) else model),
        keywords=tuple(_keywords(recipe, text.keywords)),
    )


def model_class(recipe: Callable[..., GenerativeModel]) -> type[GenerativeModel]:
    """The class of the models that a recipe makes: its return annotation, or the recipe itself if it is a class.

    Raises:
        UserError: the recipe has no such annotation.
    """
    model = recipe if inspect.isclass(recipe) else get_type_hints(recipe).get("return")
    if not (inspect.isclass(model) and issubclass(model, GenerativeModel)):
        name = f"{recipe.__module__}:{recipe.__qualname__}"
        raise UserError(f"recipe {name} has no return annotation: annotate it with the class of its model")
    return model


def likelihood(model: type[GenerativeModel]) -> str:
    """The strongest kind of likelihood that a class of models has."""
    kinds = {
        Exact: "exact",
        Weighted: "importance-weighted bound",
        Bounded: "lower bound",
        Unnormalised: "up to a constant",
    }
    found = next((word for kind, word in kinds.items() if issubclass(model, kind)), "none")
    return model.likelihood_kind if issubclass(model, Exact) else found


def _keywords(recipe: Callable[..., GenerativeModel], meanings: Mapping[str, str]) -> Iterator[Keyword]:
    for name, parameter in inspect.signature(recipe).parameters.items():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            yield Keyword(name, str(parameter.annotation), repr(parameter.default), meanings.get(name, ""))


def _file(thing: Callable[..., Any]) -> str:
    path = Path(inspect.getfile(thing))
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(HERE) else thing.__module__
