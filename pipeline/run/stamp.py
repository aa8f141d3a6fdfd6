"""Nothing changed since the last run: known in milliseconds, without asking DVC.

After a wholly successful run the stamp holds one digest over path, size and mtime of each file that DVC would check.
Any file that was touched, is new or is gone changes it, and then DVC decides; so does one of a package that brings
models, datasets or extractors. Deleting the stamp costs time only.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from pipeline import files, paths, plugins

SOURCES = (paths.PARAMS, paths.PIPELINE, paths.REQUIREMENTS, Path("pipeline"))
RESULTS = (paths.LOCK, Path("plan"), Path("artifacts"), Path("reports"))


class Stamp:
    """Made before a run reads anything, so that an edit made during the run is never stamped as done."""

    def __init__(self, selection: str) -> None:
        """`selection`: the cells that were asked for, in words."""
        self.selection = selection
        self.sources = _sources()

    def fresh(self) -> bool:
        try:
            return bool(files.parse_json(paths.STAMP.read_bytes()) == self._content())
        except (OSError, ValueError):
            return False

    def write(self) -> None:
        if _sources() == self.sources:
            files.write_json(paths.STAMP, self._content())

    def _content(self) -> dict[str, str]:
        return {"selection": self.selection, "sources": self.sources, "results": digest(*RESULTS)}


def _sources() -> str:
    return digest(*SOURCES, *plugins.everywhere())


def digest(*roots: Path) -> str:
    """sha256 over (path, size, mtime in ns) of every file under `roots`, caches and hidden files left out."""
    lines = sorted(line for root in roots for line in _lines(str(root)))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _lines(root: str) -> Iterator[str]:
    if os.path.isfile(root):
        yield _line(root, os.stat(root))
    elif os.path.isdir(root):
        for entry in os.scandir(root):
            if entry.name.startswith(".") or entry.name == "__pycache__":
                continue
            if entry.is_dir():
                yield from _lines(entry.path)
            else:
                yield _line(entry.path, entry.stat())


def _line(path: str, status: os.stat_result) -> str:
    return f"{path} {status.st_size} {status.st_mtime_ns}"
