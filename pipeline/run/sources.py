"""Is the code that ran the code that reports/code.json names? An editor is open while a run goes on.

DVC watches the files of this repository. What other packages say is looked after here.
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
from pipeline.stages.code import at, elsewhere, hashes


class Sources:
    """Remembers the last look, so that asking again costs a hundred `stat`s and no parsing."""

    def __init__(self) -> None:
        self._seen = _files()
        self._hashes: dict[str, Any] | None = None
        """None as long as no file was touched."""

    def moved(self, expected: Mapping[str, str]) -> bool:
        """Whether one of the code hashes in `expected` (dotted key -> hash) is no longer that of the sources."""
        seen = _files()
        if seen != self._seen:
            self._seen, self._hashes = seen, _hashes()
        current = self._hashes
        return current is not None and any(at(current, key) != value for key, value in expected.items())

    def known(self) -> bool:
        """Whether reports/code.json names the code of other packages as it is now."""
        return bool(files.read_json(paths.CODE, "coverseek code", "brought")["brought"] == elsewhere(load()))


def _files() -> str:
    return digest(Path("pipeline"), *plugins.everywhere())


def _hashes() -> dict[str, Any]:
    try:
        return hashes(load())
    except UserError as error:
        raise StepError(f"the sources changed while it ran: {error}") from None
