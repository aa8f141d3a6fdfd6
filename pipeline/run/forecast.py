"""How long a run will take: the recorded seconds of each step, scaled by the pace of the steps that this run finished.

Seconds are recorded in artifacts/times of the cells that ran here, and in reports/results.csv, which git has, of the
others. They were measured on some machine and under some load: the time that is left is only stated once this run has
finished a few cells. The rules, of which the first that applies is taken:

1. A step with a record takes its recorded seconds times the pace of its stage, which is the ratio of the seconds that
   its finished steps took here to their recorded ones; of all cells where fewer than `FEWEST` of the stage are
   finished. Steps without a record do not enter the pace: for them the ratio would measure the guess.
2. Of a step without one, the steps that are most like it and have been finished or recorded count: those of the same
   stage, task and model (other seeds), else of the same stage and model, else of the same stage and task, else of the
   same stage. It takes their mean: of the seconds that they took here, where one of them is finished, else of the
   recorded ones times the pace.
3. Of a stage that nothing is known of it takes `GUESS` times the pace of all cells.

A running step that has used up its time takes a share (`OVERDUE`) of what it has taken so far in addition.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pipeline import files, paths
from pipeline.errors import UserError
from pipeline.history.result_set import Row
from pipeline.paths import Cell
from pipeline.run.step import Step

TRAIN, EVALUATE = "train_seconds", "evaluate_seconds"
PARTS = ("sample_seconds_per_1000", "likelihood_seconds_per_1000")
"""Parts of an evaluation: what reports have that lack `evaluate_seconds`."""

GUESS = {"plan": 2.0, "prepare": 1.0, "features": 3.0, "train": 8.0, "evaluate": 2.0, "sweep": 5.0, "report": 8.0}
"""Seconds of a stage that has no record."""
CELLS = frozenset({"train", "evaluate", "sweep"})
"""The stages whose seconds tell the pace. Short steps before them say nothing about the pace of trainings."""
FEWEST = 2
"""Finished cells below which the time left is not known, and finished steps below which a stage has no pace."""
OVERHEAD = 1.0
"""Seconds to start a process and to import what it needs."""
LONGEST = 1e7
"""Seconds that a step can have taken: what is above is no measurement."""
OVERDUE = 0.2

Kind = tuple[str, ...]
"""(stage, task, model), of which the last or the last two may be empty: steps that take about the same time."""


class Work(NamedTuple):
    """What a step is: enough to find the steps that are like it."""

    stage: str
    task: str
    model: str
    seed: str

    @classmethod
    def of(cls, step: Step) -> Work:
        options = dict(zip(step.words[1::2], step.words[2::2], strict=False))
        return cls(step.stage, *(options.get(f"--{name}", "") for name in ("task", "model", "seed")))

    def kinds(self) -> Iterator[Kind]:
        """The most alike first."""
        yield self.stage, self.task, self.model
        yield self.stage, "", self.model
        yield self.stage, self.task, ""
        yield self.stage, "", ""


class _Sums:
    """Kind -> the mean of what was added."""

    def __init__(self) -> None:
        self._of: dict[Kind, tuple[float, int]] = defaultdict(lambda: (0.0, 0))

    def add(self, work: Work, seconds: float) -> None:
        for kind in {*work.kinds()}:
            total, count = self._of[kind]
            self._of[kind] = total + seconds, count + 1

    def mean(self, kind: Kind) -> float | None:
        if kind not in self._of:
            return None
        total, count = self._of[kind]
        return total / count


class Forecast:
    """The seconds that each step will take.

    Attributes:
        expected: step -> seconds by the rules above while nothing is finished, for the order of the steps.
    """

    def __init__(self, steps: Iterable[Step], jobs: int) -> None:
        self.jobs = jobs
        self._work = {step.name: Work.of(step) for step in steps}
        self._recorded = recorded()
        self._means, self._seen = _Sums(), _Sums()
        for work, seconds in self._recorded.items():
            self._means.add(work, seconds)
        self._paces: dict[str, list[float]] = defaultdict(lambda: [0, 0.0, 0.0])
        """Stage -> its finished steps that have a record: how many, their seconds here, their recorded seconds."""
        self._finished = 0
        self._kinds = {work: tuple(work.kinds()) for work in self._work.values()}
        self.expected = self._estimates()
        self._current = self.expected

    def learn(self, name: str, seconds: float) -> None:
        """A step was finished."""
        work = self._work[name]
        self._seen.add(work, seconds)
        self._finished += work.stage in CELLS
        if work in self._recorded:
            pace = self._paces[work.stage]
            pace[:] = pace[0] + 1, pace[1] + seconds, pace[2] + self._recorded[work]
        self._current = self._estimates()

    def left(self, waiting: Iterable[str], running: Mapping[str, float]) -> float | None:
        """The seconds until all is done.

        Args:
            waiting: steps that are not started.
            running: the seconds that each running step has had.

        Returns:
            None while fewer than `FEWEST` cells are finished and some are left.
        """
        waiting = list(waiting)
        if self._finished < FEWEST and any(self._work[name].stage in CELLS for name in (*waiting, *running)):
            return None
        rest = [max(OVERDUE * spent, self._current[name] - spent) for name, spent in running.items()]
        return max([0.0, *rest, (sum(self._current[name] for name in waiting) + sum(rest)) / self.jobs])

    def _estimates(self) -> dict[str, float]:
        paces = {stage: self._pace(stage) for stage in {work.stage for work in self._work.values()}}
        return {name: self._estimate(work, paces[work.stage]) for name, work in self._work.items()}

    def _estimate(self, work: Work, pace: float) -> float:
        if work in self._recorded:
            return self._recorded[work] * pace
        for kind in self._kinds[work]:
            if (seen := self._seen.mean(kind)) is not None:
                return seen
            if (mean := self._means.mean(kind)) is not None:
                return mean * pace
        return GUESS.get(work.stage, 1.0) * pace

    def _pace(self, stage: str) -> float:
        """Seconds here for each recorded one, 1 where that is not known."""
        count, spent, before = self._paces[stage]
        if count < FEWEST:
            spent, before = (sum(self._paces[cells][at] for cells in CELLS) for at in (1, 2))
        return spent / before if before else 1.0


def recorded() -> dict[Work, float]:
    """The seconds of earlier runs: those of the times files of this folder, else those of the last report."""
    return measured(paths.RESULTS) | timed("train", TRAIN) | timed("evaluate", EVALUATE)


def timed(stage: str, metric: str) -> dict[Work, float]:
    """Work -> seconds, from the times files of a stage; what cannot be read is left out."""
    found: dict[Work, float] = {}
    for path in sorted(paths.times(stage, Cell("", "", 0)).parent.glob("*.json")):
        try:
            seconds = float(json.loads(path.read_text(encoding="utf-8"))["metrics"][metric]["value"])
        except (OSError, ValueError, LookupError, TypeError):
            continue
        task, model, seed = [*path.stem.split("-"), "", ""][:3]
        if 0 <= seconds < LONGEST:
            found[Work(stage, task, model, seed)] = OVERHEAD + seconds
    return found


def measured(results: Path) -> dict[Work, float]:
    """Work -> seconds, from a results.csv; empty where there is none that can be read."""
    try:
        rows = files.read_csv(results, "coverseek report", Row)
    except UserError:
        return {}
    found: dict[Work, float] = {}
    parts: dict[Work, float] = {}
    for row in rows:
        if not 0 <= row.value < LONGEST:
            continue
        train, evaluate = (Work(stage, row.task, row.model, str(row.seed)) for stage in ("train", "evaluate"))
        if row.metric == TRAIN:
            found[train] = OVERHEAD + row.value
        elif row.metric == EVALUATE:
            found[evaluate] = OVERHEAD + row.value
        elif row.metric in PARTS:
            parts[evaluate] = parts.get(evaluate, OVERHEAD) + row.value
    return parts | found
