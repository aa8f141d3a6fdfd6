"""The schedule does not depend on the place: steps may end late, out of order, several at once, or never."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from pipeline.run.interrupt import Interrupt
from pipeline.run.place import Ended, Work
from pipeline.run.progress import Lines
from pipeline.run.schedule import Schedule
from pipeline.run.step import Result, Step


class Memory:
    """A store in which every step is stale."""

    def __init__(self) -> None:
        self.recorded: list[str] = []

    def fresh(self, name: str) -> bool:
        return False

    def restore(self, name: str) -> bool:
        return False

    def clear(self, name: str) -> None: ...

    def work(self, step: Step) -> Work:
        return Work(step)

    def record(self, name: str) -> None:
        self.recorded.append(name)


class Planned:
    """A place that ends the steps in a given order, `at_once` at a time, and fails some of them."""

    def __init__(self, jobs: int, failing: Mapping[str, str], at_once: int = 1, newest_first: bool = False) -> None:
        self.jobs, self.failing, self.at_once, self.newest_first = jobs, failing, at_once, newest_first
        self.started: list[str] = []
        self.most, self.stopped = 0, False
        self._running: dict[str, float] = {}

    def check(self, steps: Iterable[Step]) -> None: ...

    def room(self) -> int:
        return self.jobs - len(self._running)

    def start(self, work: Work) -> None:
        self.started.append(work.step.name)
        self._running[work.step.name] = 0.0
        self.most = max(self.most, len(self._running))

    def running(self) -> Mapping[str, float]:
        return self._running

    def wait(self, timeout: float) -> list[Ended]:
        if not timeout:  # there are other steps to look at first
            return []
        names = sorted(self._running, key=self.started.index, reverse=self.newest_first)[: self.at_once]
        for name in names:
            del self._running[name]
        return [Ended(name, 1.0, self.failing.get(name, "")) for name in names]

    def stop(self) -> None:
        self.stopped = True


def grid(cells: int) -> dict[str, Step]:
    steps = {"prepare@t": Step("prepare@t", ("prepare", "--task", "t"), frozenset())}
    for seed in range(cells):
        for stage, before in (("train", "prepare@t"), ("evaluate", f"train@t-m-{seed}")):
            words = (stage, "--task", "t", "--model", "m", "--seed", str(seed))
            steps[f"{stage}@t-m-{seed}"] = Step(f"{stage}@t-m-{seed}", words, frozenset({before}))
    return steps


def run(place: Planned, steps: Mapping[str, Step], store: Memory) -> dict[str, Result]:
    return Schedule(steps, store, place, lambda: None).run(Interrupt(), Lines(len(steps)))


@pytest.mark.parametrize(("jobs", "at_once", "newest"), [(1, 1, False), (3, 3, False), (3, 1, True), (100, 7, True)])
def test_every_step_runs_once_after_those_that_it_reads(jobs: int, at_once: int, newest: bool) -> None:
    steps, store, place = grid(5), Memory(), Planned(jobs, {}, at_once, newest)
    results = run(place, steps, store)
    assert {result.outcome for result in results.values()} == {"ran"}
    assert sorted(place.started) == sorted(store.recorded) == sorted(steps)
    for name, step in steps.items():
        assert all(store.recorded.index(other) < store.recorded.index(name) for other in step.after)
    assert place.most <= jobs
    assert place.stopped


def test_a_step_that_fails_at_its_place_is_not_recorded_and_skips_those_that_read_it() -> None:
    steps, store = grid(3), Memory()
    results = run(Planned(2, {"train@t-m-1": "its node was lost 3 times"}), steps, store)
    assert results["train@t-m-1"] == Result("failed", 1.0, "its node was lost 3 times")
    assert results["evaluate@t-m-1"].outcome == "skipped"
    assert sorted(store.recorded) == sorted({*steps} - {"train@t-m-1", "evaluate@t-m-1"})


def test_a_failure_that_a_signal_caused_is_none() -> None:
    steps, interrupt = grid(2), Interrupt()

    class Struck(Planned):
        def wait(self, timeout: float) -> list[Ended]:
            interrupt.came = "train@t-m-0" in self._running
            return super().wait(timeout)

    place = Struck(2, {"train@t-m-0": "killed by SIGTERM", "train@t-m-1": "killed by SIGTERM"}, at_once=2)
    results = Schedule(steps, Memory(), place, lambda: None).run(interrupt, Lines(len(steps)))
    assert list(results) == ["prepare@t"]
    assert place.stopped
