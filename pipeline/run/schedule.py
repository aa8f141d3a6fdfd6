"""The order of a run: a step opens when all before it are settled, and the longest way to the end goes first.

One loop in one thread. In each round it records the steps that ended, asks DVC about one open step (most are fresh, and
need no process), and starts steps while the place has room. A step that fails takes with it only those that read its
outputs. Where the steps run, this module does not know.
"""

from __future__ import annotations

import contextlib
import graphlib
import heapq
from collections.abc import Callable, Mapping
from typing import Protocol

from pipeline.run.forecast import Forecast
from pipeline.run.interrupt import Interrupt
from pipeline.run.place import Ended, Place, Work
from pipeline.run.progress import Lines
from pipeline.run.step import Result, Step, StepError

POLL = 0.2
"""Seconds between two looks at the clock and at the interrupt."""


class StageStore(Protocol):
    """Decides which steps are stale and records what ran: the workspace, or one that compares with dvc.lock."""

    def fresh(self, name: str) -> bool: ...
    def restore(self, name: str) -> bool: ...
    def clear(self, name: str) -> None: ...
    def work(self, step: Step) -> Work: ...
    def record(self, name: str) -> None: ...


class Schedule:
    def __init__(self, steps: Mapping[str, Step], store: StageStore, place: Place, before: Callable[[], None]) -> None:
        """`before` is called once, ahead of the first step that is not fresh: what it raises ends the run."""
        self.steps, self.store, self.place = steps, store, place
        self.results: dict[str, Result] = {}
        self.forecast = Forecast(steps.values(), place.jobs)
        self._before: Callable[[], None] | None = before
        self._order = graphlib.TopologicalSorter({name: step.after for name, step in steps.items()})
        self._rank = ranks(steps, self.forecast.expected)
        self._open: list[tuple[float, str]] = []
        self._stale: list[tuple[float, str]] = []

    def run(self, interrupt: Interrupt, show: Lines) -> dict[str, Result]:
        """Work until all steps are settled or a signal came: what became of each that was settled.

        After a signal, steps that have already succeeded are recorded, and the others are stopped.
        """
        self._show = show
        self._order.prepare()
        try:
            while len(self.results) < len(self.steps) and not interrupt:
                self._open_ready()
                self._check_next()
                self._start()
                self._collect_ended(interrupt)
            self._record_succeeded()
        finally:
            self.place.stop()
        return self.results

    def _open_ready(self) -> None:
        for name in self._order.get_ready():
            heapq.heappush(self._open, (-self._rank[name], name))

    def _check_next(self) -> None:
        """Settle one open step, or find that it has to run."""
        if not self._open:
            return
        rank, name = heapq.heappop(self._open)
        if self._has_failed_dependency(name):
            return self._fail(name, Result("skipped"))
        try:
            if self.store.fresh(name):
                return self._settle(name, Result("unchanged"))
            self._check()
            if self.store.restore(name):
                return self._settle(name, Result("restored"))
        except StepError as error:
            return self._fail(name, Result("failed", reason=str(error)))
        heapq.heappush(self._stale, (rank, name))

    def _has_failed_dependency(self, name: str) -> bool:
        step = self.steps[name]
        return not step.tolerant and any(self.results[other].bad for other in step.after)

    def _check(self) -> None:
        before, self._before = self._before, None
        if before:
            before()
            self.place.check(self.steps.values())

    def _start(self) -> None:
        while self._stale and self.place.room() > 0:
            _, name = heapq.heappop(self._stale)
            try:
                self.store.clear(name)
            except StepError as error:
                self._settle(name, Result("failed", reason=str(error)))
                continue
            self.place.start(self.store.work(self.steps[name]))

    def _collect_ended(self, interrupt: Interrupt) -> None:
        """Finish the steps that ended; wait a moment for it where there is nothing else to do."""
        ended = self.place.wait(0 if self._open else POLL)
        for step in ended:
            if interrupt and step.why:  # the signal may have ended the process as well: that is no failure of its step
                continue
            self._finish(step)
        if interrupt:
            return
        now = self.place.running()
        self._show.tick([self.steps[name] for name in now], len(self.results), self._left(now))

    def _record_succeeded(self) -> None:
        for step in self.place.wait(0):
            if not step.why:
                self._finish(step)

    def _finish(self, ended: Ended) -> None:
        name, seconds = ended.name, ended.seconds
        try:
            if ended.why:
                raise StepError(ended.why)
            self.store.record(name)
        except StepError as error:
            return self._fail(name, Result("failed", seconds, str(error)))
        self.forecast.learn(name, seconds)
        self._settle(name, Result("ran", seconds))

    def _fail(self, name: str, result: Result) -> None:
        """What it left behind goes, so that no report takes it for a result."""
        with contextlib.suppress(StepError):
            self.store.clear(name)
        self._settle(name, result)

    def _settle(self, name: str, result: Result) -> None:
        self.results[name] = result
        self._order.done(name)
        self._show.settled(self.steps[name], result, len(self.results), self._left(self.place.running()))

    def _left(self, running: Mapping[str, float]) -> float | None:
        return self.forecast.left(self.steps.keys() - self.results.keys() - running.keys(), running)


def ranks(steps: Mapping[str, Step], seconds: Mapping[str, float]) -> dict[str, float]:
    """Seconds from the start of each step to the end of the longest chain that hangs on it."""
    rank = {name: 0.0 for name in steps}
    order = list(graphlib.TopologicalSorter({name: step.after for name, step in steps.items()}).static_order())
    for name in reversed(order):
        rank[name] += seconds[name]
        for other in steps[name].after:
            rank[other] = max(rank[other], rank[name])
    return rank
