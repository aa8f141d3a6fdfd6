"""A table in Markdown, aligned in the source as well: words to the left, numbers to the right; and an image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline import paths

WORDS = (
    *("model", "family", "seeds", "kind", "keyword", "takes", "default", "verdict"),
    *("task", "metric", "when", "commit", "cause", "changed", "protocol", "why"),
)


def table(columns: Sequence[Sequence[str]]) -> str:
    """Columns, each its title and then its cells -> the table."""
    escaped = [[cell.replace("|", "\\|") for cell in column] for column in columns]
    lines = [_padded(column) for column in escaped]
    return "\n".join(f"| {' | '.join(row)} |" for row in zip(*lines, strict=True))


def _padded(column: Sequence[str]) -> list[str]:
    width = max(3, *(len(cell) for cell in column))
    left = column[0] in WORDS
    rule = "-" * width if left else "-" * (width - 1) + ":"
    title, *cells = (cell.ljust(width) if left else cell.rjust(width) for cell in column)
    return [title, rule, *cells]


def image(path: Path) -> str:
    """As the leaderboard's page, which lies beside the figures' folder, links to it."""
    return f"![{path.stem}]({path.relative_to(paths.LEADERBOARD_MD.parent).as_posix()})"
