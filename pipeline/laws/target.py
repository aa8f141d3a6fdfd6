"""What is to be checked, from one word: ours, an entry point's, or a function of any module.

package.module:name is a recipe, a dataset or an extractor by what it says that it returns; family, each recipe of it;
family/recipe, one of them. Names of datasets and extractors stand for themselves.
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
from pipeline.metrics.features import EXTRACTORS, Extractor
from pipeline.plugins import Group

Kind = Literal["model", "dataset", "extractor"]
RESERVED = "external"
"""The family, in every table, of what is scored from files: nobody may announce it."""
KINDS: dict[Kind, type] = {"model": GenerativeModel, "dataset": Dataset, "extractor": Extractor}


class Target(NamedTuple):
    """`family` is empty where a recipe is named by its module."""

    kind: Kind
    name: str
    function: Callable[..., Any]
    family: str = ""

    @property
    def title(self) -> str:
        return f"{self.family}/{self.name}" if self.family else self.name


def resolve(word: str) -> list[Target]:
    """The targets that `word` names.

    Raises:
        UserError: there are none, what it names cannot be imported or does not say what it returns, or another package
            brings it by a name that is taken or reserved here.
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
    for group in groups if name == RESERVED else ():
        if entry := plugins.announced(group).get(name):
            raise UserError(
                f"check: {name!r} is reserved for what is scored from files, and entry point {entry.value!r} of "
                f"coverseek.{group} takes it: rename that one"
            )


def _imported(word: str) -> Target:
    module, _, name = word.partition(":")
    try:
        function = attrgetter(name)(importlib.import_module(module))
    except Exception as error:  # whatever a foreign module raises when it is imported
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
    says = "annotate its return with a GenerativeModel, a Dataset or an Extractor"
    raise UserError(f"{word} does not say what it makes: {says}")


def _recipes(family: str, recipe: str) -> Iterator[Target]:
    module = registry.recipes(family, "check")
    for name in module.__all__:
        if recipe in ("", name, name.removesuffix("_points"), name.removesuffix("_images")):
            yield Target("model", name, getattr(module, name), family)


def _functions(group: Group, kind: Kind, name: str, ours: Mapping[str, Callable[..., Any]]) -> list[Target]:
    if name not in _names(group, ours):
        return []
    entry = plugins.find(group, name, ours, "check")
    return [Target(kind, name, plugins.load(entry) if entry else ours[name])]


def _names(group: Group, ours: Any) -> set[str]:
    return {*ours, *plugins.announced(group)}
