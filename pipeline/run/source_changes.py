"""Whether settings and code are still those of plan/parameters.json: files may be edited while a run goes on.

DVC checks the files of this repository. The code of other packages is checked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline import files, paths, plugins
from pipeline.errors import UserError
from pipeline.params import load
from pipeline.run.stamp import digest
from pipeline.run.step import StepError
from pipeline.stages.plan import at, elsewhere, parameters


class SourceChanges:
    """Remembers the last state of the files, so that a check costs a hundred `stat`s and no parsing."""

    def __init__(self) -> None:
        self._seen = _files()
        self._hashes: dict[str, Any] | None = None
        """None as long as no file was touched."""

    def moved(self, expected: Mapping[str, str]) -> bool:
        """Whether one of the hashes in `expected` (dotted key -> hash) is no longer that of settings and code."""
        seen = _files()
        if seen != self._seen:
            self._seen, self._hashes = seen, _hashes()
        current = self._hashes
        return current is not None and any(at(current, key) != value for key, value in expected.items())

    def known(self) -> bool:
        """Whether plan/parameters.json names the code of other packages as it is now."""
        return bool(files.read_json(paths.PARAMETERS, "coverseek plan", "brought")["brought"] == elsewhere(load()))


def _files() -> str:
    return digest(paths.PARAMS, paths.REQUIREMENTS, Path("pipeline"), *plugins.everywhere())


def _hashes() -> dict[str, Any]:
    try:
        return parameters(load())
    except UserError as error:
        raise StepError(f"settings or code changed while it ran: {error}") from None
