"""Ranks that say what is known: the range of places that overlapping intervals leave open.

A row's best place counts the rows whose interval lies wholly on its better side, its worst place those that lie
wholly on its worse side. Rows whose intervals overlap share places. A row without an interval (one seed) has no rank
and takes no place: whether another seed would reorder it is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Rank(NamedTuple):
    best: int
    worst: int

    def text(self, dash: str = "-") -> str:
        return str(self.best) if self.best == self.worst else f"{self.best}{dash}{self.worst}"


def ranks(intervals: Mapping[str, tuple[float, float]], better: str) -> dict[str, Rank]:
    """Each row's (low, high) -> its range of places; nothing where no direction is better or there is no rival."""
    if better == "none" or len(intervals) < 2:
        return {}
    sign = 1 if better == "higher" else -1
    spans = {name: tuple(sorted((sign * low, sign * high))) for name, (low, high) in intervals.items()}
    return {
        name: Rank(
            best=1 + sum(other_low > high for other_low, _ in spans.values()),
            worst=len(spans) - sum(other_high < low for _, other_high in spans.values()),
        )
        for name, (low, high) in spans.items()
    }
