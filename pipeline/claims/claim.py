"""A sentence of the textbooks, in our words, and the contrasts that speak for or against it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pipeline.claims.contrast import Contrast
from pipeline.results.selection import Results


@dataclass(frozen=True)
class Claim:
    id: str
    statement: str
    metric: str
    """The columns of results.csv that decide."""
    groups: tuple[str, str]
    """What is compared with what; a positive contrast is for the first."""
    contrasts: Callable[[Results], Iterable[Contrast]]
    figure: str | None = None
    """The picture beside it, a file of reports/figures."""
