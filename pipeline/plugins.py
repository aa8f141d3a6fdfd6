"""What other packages bring, announced by entry points of three groups:

    coverseek.models       a family: a module of recipes, as `families/<family>/recipe.py` is
    coverseek.datasets     a dataset: a function, as those in `data/datasets.py`
    coverseek.extractors   an extractor: a function, as those in `metrics/features.py`

Only their names are read until one is asked for: nobody else's code runs in a command that does not name it.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from pipeline.errors import UserError

Group = Literal["models", "datasets", "extractors"]


def announced(group: Group) -> dict[str, EntryPoint]:
    """Those of one group, by name.

    Raises:
        UserError: two packages announce the same name.
    """
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=f"coverseek.{group}"):
        if entry.name in found:
            both = " and ".join(sorted(f"{each.value}" for each in (entry, found[entry.name])))
            raise UserError(f"entry point {entry.name!r} of coverseek.{group} is announced twice, by {both}: keep one")
        found[entry.name] = entry
    return found


def load(entry: EntryPoint) -> Any:
    """What an entry point names.

    Raises:
        UserError: its package cannot be imported, or lacks the name.
    """
    try:
        return entry.load()
    except Exception as error:  # whatever a foreign module raises when it is imported
        why = f"{type(error).__name__}: {error}"
        raise UserError(
            f"entry point {entry.name} = {entry.value!r} cannot be loaded ({why}); mend its package"
        ) from error


def code(entry: EntryPoint) -> str:
    """sha256, in hex, of the Python files of the package that announces it: what DVC watches of it."""
    digest = hashlib.sha256()
    files = (entry.dist.files if entry.dist else None) or []
    for file in sorted(file for file in files if file.suffix == ".py"):
        digest.update(f"# {file}\n".encode() + file.read_binary())
    return digest.hexdigest()
