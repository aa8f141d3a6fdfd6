"""Steps on this machine, each in a process of its own in the work tree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from multiprocessing import connection

from pipeline.run.place import Ended, Work
from pipeline.run.step import Step
from pipeline.run.worker import Worker


class ThisMachine:
    """A `Place` of `jobs` processes."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self.workers: dict[int, Worker] = {}
        """Sentinel -> the process that it belongs to."""

    def check(self, steps: Iterable[Step]) -> None:
        """Any step runs here."""

    def room(self) -> int:
        return self.jobs - len(self.workers)

    def start(self, work: Work) -> None:
        worker = Worker(work.step)
        self.workers[worker.sentinel] = worker

    def running(self) -> Mapping[str, float]:
        return {worker.step.name: worker.seconds for worker in self.workers.values()}

    def wait(self, timeout: float) -> list[Ended]:
        ready = {*connection.wait([*self.workers], timeout)}
        ended = [self.workers.pop(sentinel) for sentinel in [*self.workers] if sentinel in ready]
        return [Ended(worker.step.name, worker.seconds, worker.end()) for worker in ended]

    def stop(self) -> None:
        for worker in self.workers.values():
            worker.terminate()
        for worker in self.workers.values():
            worker.stop()
        self.workers.clear()
