"""From a name on the command line to the recipes, datasets and extractors that it means.

package.module:name   a recipe, a dataset or an extractor, according to its return annotation
family                all recipes of a family
family/recipe         one recipe
name                  a dataset or an extractor, built in or announced by an entry point
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from typing import Any, Literal, NamedTuple, get_type_hints

from pipeline import plugins
from pipeline.contract import GenerativeModel
from pipeline.data.dataset import Dataset
from pipeline.data.datasets import DATASETS
from pipeline.errors import UserError, suggest
from pipeline.families import registry
from pipeline.metrics.extractors.lookup import EXTRACTORS, Extractor
from pipeline.plugins import Group
from pipeline.results.external import EXTERNAL

Kind = Literal["model", "dataset", "extractor"]
KINDS: dict[Kind, type] = {"model": GenerativeModel, "dataset": Dataset, "extractor": Extractor}


class Target(NamedTuple):
    """`family` is empty for a recipe that is named by its module."""

    kind: Kind
    name: str
    function: Callable[..., Any]
    family: str = ""

    @property
    def title(self) -> str:
        return f"{self.family}/{self.name}" if self.family else self.name


def resolve(word: str) -> list[Target]:
    """The targets that `word` means.

    Raises:
        UserError: there are none; the module cannot be imported; a function has no usable return annotation; or another
            package announces a name that is built in or reserved.
    """
    if ":" in word:
        return [_imported(word)]
    family, _, recipe = word.partition("/")
    _refuse_reserved(family)
    found = list(_recipes(family, recipe)) if family in _names("models", registry.ours()) else []
    if not recipe:
        found += _functions("datasets", "dataset", word, DATASETS)
        found += _functions("extractors", "extractor", word, EXTRACTORS)
    if not found:
        known = {*_names("models", registry.ours()), *_names("datasets", DATASETS), *_names("extractors", EXTRACTORS)}
        raise UserError(f"nothing is called {word!r}; {suggest(family, known)}; or package.module:name")
    return found


def _refuse_reserved(name: str) -> None:
    groups: tuple[Group, ...] = ("models", "datasets")
    for group in groups if name == EXTERNAL else ():
        if entry := plugins.announced(group).get(name):
            raise UserError(
                f"conformance: {name!r} is reserved for models scored from files, and entry point {entry.value!r} of "
                f"coverseek.{group} has this name: rename it"
            )


def _imported(word: str) -> Target:
    module, _, name = word.partition(":")
    try:
        function = attrgetter(name)(importlib.import_module(module))
    except Exception as error:  # importing third-party code may raise anything
        why = " ".join(f"{type(error).__name__}: {error}".split())
        raise UserError(f"{word} cannot be imported ({why}); is its package installed here?") from error
    return Target(_kind(word, function), name, function)


def _kind(word: str, function: Any) -> Kind:
    try:
        made = function if inspect.isclass(function) else get_type_hints(function).get("return")
    except (NameError, TypeError):
        made = None
    for kind, base in KINDS.items():
        if inspect.isclass(made) and issubclass(made, base):
            return kind
    hint = "annotate it with a GenerativeModel, a Dataset or an Extractor"
    raise UserError(f"{word} has no usable return annotation: {hint}")


def _recipes(family: str, recipe: str) -> Iterator[Target]:
    module = registry.recipes(family, "conformance")
    for name in module.__all__:
        if recipe in ("", name, registry.short_name(name)):
            yield Target("model", name, getattr(module, name), family)


def _functions(group: Group, kind: Kind, name: str, ours: Mapping[str, Callable[..., Any]]) -> list[Target]:
    if name not in _names(group, ours):
        return []
    entry = plugins.find(group, name, ours, "conformance")
    return [Target(kind, name, plugins.load(entry) if entry else ours[name])]


def _names(group: Group, ours: Any) -> set[str]:
    return {*ours, *plugins.announced(group)}
