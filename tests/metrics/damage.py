"""What can happen to a file."""

from __future__ import annotations

from pathlib import Path

DAMAGES = ("cut", "remove")


def damage(path: Path, how: str) -> None:
    """Leave the first half of the file, or nothing; a link is replaced and what it points to stays whole."""
    content = path.read_bytes()
    path.unlink()
    if how == "cut":
        path.write_bytes(content[: len(content) // 2])
