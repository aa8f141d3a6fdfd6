"""How long a run will take: the recorded seconds of each step, scaled by the pace of the steps that this run finished.

The seconds of the last report order the cells (the longest first, or two jobs end with one of them idle). They were
measured on some machine: the time that is left is only stated once this run has finished a few cells, and each stage is
scaled by the ratio of its own seconds to its recorded ones. Short steps before the cells (`prepare`, `features`) say
nothing about the pace of trainings and do not enter it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import fmean

from pipeline import files, paths
from pipeline.errors import UserError
from pipeline.history.result_set import Row
from pipeline.run.step import Step

TRAIN, EVALUATE = "train_seconds", "evaluate_seconds"
PARTS = ("sample_seconds_per_1000", "likelihood_seconds_per_1000")
"""Parts of an evaluation: what reports have that lack `evaluate_seconds`."""

GUESS = {"plan": 2.0, "prepare": 1.0, "features": 3.0, "train": 8.0, "evaluate": 2.0, "sweep": 5.0, "report": 8.0}
"""Seconds of a stage that no report records."""
CELLS = frozenset({"train", "evaluate", "sweep"})
"""The stages whose seconds tell the pace."""
FEWEST = 2
"""Finished cells below which the time left is not known."""
OVERHEAD = 1.0
"""Seconds to start a process and to import what it needs."""
LONGEST = 1e7
"""Seconds that a step can have taken: what is above is no measurement."""


class Forecast:
    """The seconds that each step will take.

    Attributes:
        expected: step -> seconds on the machine of the last report; of a step that it lacks the mean of its stage, or
            `GUESS`.
    """

    def __init__(self, steps: Iterable[Step], jobs: int) -> None:
        known = measured(paths.RESULTS)
        stages: dict[str, list[float]] = defaultdict(list)
        for (stage, _), seconds in known.items():
            stages[stage].append(seconds)
        means = {stage: fmean(of) for stage, of in stages.items()}
        self._stage = {step.name: step.stage for step in steps}
        self.expected = {
            step.name: known.get((step.stage, step.key), means.get(step.stage, GUESS.get(step.stage, 1.0)))
            for step in steps
        }
        self.jobs = jobs
        self._done: dict[str, list[tuple[float, float]]] = defaultdict(list)

    def learn(self, name: str, seconds: float) -> None:
        """A step was finished."""
        self._done[self._stage[name]].append((seconds, self.expected[name]))

    def left(self, waiting: Iterable[str], running: Mapping[str, float]) -> float | None:
        """The seconds until all is done.

        Args:
            waiting: steps that are not started.
            running: the seconds that each running step has had.

        Returns:
            None while fewer than `FEWEST` cells are finished and some are left.
        """
        waiting = list(waiting)
        finished = sum(len(self._done[stage]) for stage in CELLS)
        if finished < FEWEST and any(self._stage[name] in CELLS for name in (*waiting, *running)):
            return None
        rest = [max(0.0, self._seconds(name) - spent) for name, spent in running.items()]
        return max([*rest, (sum(map(self._seconds, waiting)) + sum(rest)) / self.jobs])

    def _seconds(self, name: str) -> float:
        return self.expected[name] * self._pace(self._stage[name])

    def _pace(self, stage: str) -> float:
        """Seconds for each expected one: of this stage, or of all cells where too few of this stage are finished."""
        own = self._done[stage]
        done = own if len(own) >= FEWEST else [one for cells in CELLS for one in self._done[cells]]
        return sum(spent for spent, _ in done) / sum(expected for _, expected in done) if done else 1.0


def measured(results: Path) -> dict[tuple[str, str], float]:
    """(stage, cell) -> seconds, from a results.csv; empty where there is none that can be read."""
    try:
        rows = files.read_csv(results, "coverseek report", Row)
    except UserError:
        return {}
    found: dict[tuple[str, str], float] = {}
    parts: dict[tuple[str, str], float] = {}
    for row in rows:
        if not 0 <= row.value < LONGEST:
            continue
        cell = f"{row.task}-{row.model}-{row.seed}"
        if row.metric == TRAIN:
            found["train", cell] = OVERHEAD + row.value
        elif row.metric == EVALUATE:
            found["evaluate", cell] = OVERHEAD + row.value
        elif row.metric in PARTS:
            parts["evaluate", cell] = parts.get(("evaluate", cell), OVERHEAD) + row.value
    return parts | found
