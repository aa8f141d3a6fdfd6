"""Plugins: models, datasets and extractors of other packages, found by entry points of three groups.

    coverseek.models       a family: a module of recipes, like `families/<family>/recipe.py`
    coverseek.datasets     a dataset: a function, like those in `data/datasets.py`
    coverseek.extractors   an extractor: a function, like those in `metrics/features.py`

A plugin is imported only by a command that uses it; until then its name alone is read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_args

from pipeline.errors import UserError, suggest

Group = Literal["models", "datasets", "extractors"]
GROUPS: tuple[Group, ...] = get_args(Group)


def announced(group: Group) -> dict[str, EntryPoint]:
    """The entry points of one group, by name.

    Raises:
        UserError: two packages have the same name.
    """
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=f"coverseek.{group}"):
        if entry.name in found:
            both = " and ".join(sorted(each.value for each in (entry, found[entry.name])))
            raise UserError(f"entry point {entry.name!r} of coverseek.{group} is announced twice, by {both}: keep one")
        found[entry.name] = entry
    return found


def find(group: Group, name: str, ours: Collection[str], where: str) -> EntryPoint | None:
    """The entry point called `name`; None if it is one of `ours`. `where` is the place that an error names.

    Raises:
        UserError: there is no such name, or a plugin has the name of one of `ours`.
    """
    theirs = announced(group)
    if name not in ours and name not in theirs:
        raise UserError(f"{where}: unknown {name!r}; {suggest(name, {*ours, *theirs})}")
    if name in ours and name in theirs:
        raise UserError(
            f"{where}: {name!r} is Coverseek's own, and entry point {theirs[name].value!r} of coverseek.{group} "
            "takes the same name: rename or uninstall that one"
        )
    return theirs.get(name)


def load(entry: EntryPoint) -> Any:
    """Import the object of an entry point.

    Raises:
        UserError: its package cannot be imported, or lacks the name.
    """
    try:
        return entry.load()
    except Exception as error:  # whatever a foreign module raises when it is imported
        why = " ".join(f"{type(error).__name__}: {error}".split())
        raise UserError(
            f"entry point {entry.name} = {entry.value!r} cannot be loaded ({why}); fix its package"
        ) from error


def code(entry: EntryPoint) -> str:
    """sha256, in hex, of the Python files and the version of the package of an entry point."""
    digest = hashlib.sha256(f"{entry.dist.version if entry.dist else ''}\n".encode())
    for root in roots(entry):
        for file in sorted(root.rglob("*.py")) if root.is_dir() else [root]:
            digest.update(f"# {file.relative_to(root.parent).as_posix()}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def roots(entry: EntryPoint) -> list[Path]:
    """The folders of the package of an entry point, or the file of its module, found without importing it."""
    spec = find_spec(entry.module.partition(".")[0])
    if spec is None:
        return []
    folders = spec.submodule_search_locations
    return sorted(Path(folder) for folder in folders) if folders else [Path(spec.origin or "")]


def everywhere() -> Iterator[Path]:
    """`roots` of all plugins."""
    for group in GROUPS:
        for entry in entry_points(group=f"coverseek.{group}"):
            yield from roots(entry)
