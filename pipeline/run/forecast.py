"""How long a step will take, from the last report's numbers; this run's own pace corrects it.

It orders the cells (the longest first, or two jobs end with one of them idle) and tells a user what is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from pipeline import files, paths
from pipeline.errors import UserError
from pipeline.history.side import Row
from pipeline.run.step import Step

METRICS = {
    "train_seconds": "train",
    "sample_seconds_per_1000": "evaluate",
    "likelihood_seconds_per_1000": "evaluate",
}  # whose cost each metric tells of

GUESS = {"code": 1.0, "prepare": 1.0, "features": 3.0, "train": 8.0, "evaluate": 2.0, "sweep": 5.0, "report": 8.0}
"""Seconds of a step that no report knows; only their ratios matter."""


LONGEST = 1e7
"""Seconds that a step can have taken: what is above is no measurement."""


class Forecast:
    """Seconds that each step will take, and the pace at which this run really goes."""

    def __init__(self, steps: Iterable[Step], jobs: int) -> None:
        known = measured(paths.RESULTS)
        self.expected = {s.name: known.get((s.stage, s.key), GUESS.get(s.stage, 1.0)) for s in steps}
        self.jobs, self._spent, self._foreseen = jobs, 0.0, 0.0

    def learn(self, name: str, seconds: float) -> None:
        self._spent += seconds
        self._foreseen += self.expected[name]

    def left(self, waiting: Iterable[str], running: Mapping[str, float]) -> float:
        """Seconds until all is done; `running`: the seconds that each running step has had."""
        pace = self._spent / self._foreseen if self._foreseen else 1.0
        rest = [max(0.0, self.expected[name] * pace - spent) for name, spent in running.items()]
        todo = sum(self.expected[name] for name in waiting) * pace
        return max([*rest, (todo + sum(rest)) / self.jobs])


def measured(results: Path) -> dict[tuple[str, str], float]:
    """(stage, cell) -> seconds, from a results.csv; empty where there is none that can be read."""
    seconds: dict[tuple[str, str], float] = {}
    try:
        rows = files.read_csv(results, "coverseek report", Row)
    except UserError:
        return {}
    for row in rows:
        if row.metric in METRICS and 0 <= row.value < LONGEST:
            where = METRICS[row.metric], f"{row.task}-{row.model}-{row.seed}"
            seconds[where] = seconds.get(where, 1.0) + row.value
    return seconds
