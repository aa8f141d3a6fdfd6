"""What other packages bring, announced by entry points of three groups:

    coverseek.models       a family: a module of recipes, as `families/<family>/recipe.py` is
    coverseek.datasets     a dataset: a function, as those in `data/datasets.py`
    coverseek.extractors   an extractor: a function, as those in `metrics/features.py`

Only their names are read until one is asked for: nobody else's code runs in a command that does not name it.
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
    """Those of one group, by name.

    Raises:
        UserError: two packages announce the same name.
    """
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=f"coverseek.{group}"):
        if entry.name in found:
            both = " and ".join(sorted(each.value for each in (entry, found[entry.name])))
            raise UserError(f"entry point {entry.name!r} of coverseek.{group} is announced twice, by {both}: keep one")
        found[entry.name] = entry
    return found


def find(group: Group, name: str, ours: Collection[str], where: str) -> EntryPoint | None:
    """Who brings `name`: None where it is one of `ours`. `where` names in errors the place that asks for it.

    Raises:
        UserError: nobody has it, or another package announces what is here already.
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
    """What an entry point names.

    Raises:
        UserError: its package cannot be imported, or lacks the name.
    """
    try:
        return entry.load()
    except Exception as error:  # whatever a foreign module raises when it is imported
        why = " ".join(f"{type(error).__name__}: {error}".split())
        raise UserError(
            f"entry point {entry.name} = {entry.value!r} cannot be loaded ({why}); mend its package"
        ) from error


def code(entry: EntryPoint) -> str:
    """sha256, in hex, of the Python files of its top-level package and of that package's version."""
    digest = hashlib.sha256(f"{entry.dist.version if entry.dist else ''}\n".encode())
    for root in roots(entry):
        for file in sorted(root.rglob("*.py")) if root.is_dir() else [root]:
            digest.update(f"# {file.relative_to(root.parent).as_posix()}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def roots(entry: EntryPoint) -> list[Path]:
    """The folder of its top-level package, or the file of its module; installed as editable or not, never imported."""
    spec = find_spec(entry.module.partition(".")[0])
    if spec is None:
        return []
    folders = spec.submodule_search_locations
    return sorted(Path(folder) for folder in folders) if folders else [Path(spec.origin or "")]


def everywhere() -> Iterator[Path]:
    """`roots` of all that is announced: what can change without a file of this repository."""
    for group in GROUPS:
        for entry in entry_points(group=f"coverseek.{group}"):
            yield from roots(entry)
