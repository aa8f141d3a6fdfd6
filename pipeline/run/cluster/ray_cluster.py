"""Cells on a Ray cluster: the place of `coverseek run --on ray`.

Ray decides on which node a cell runs and with which GPU. What is run, in which order, and what is recorded stays with
the schedule and the workspace. An attempt at a cell that was lost with its node is followed by another one, and what it
still returns later is not looked at.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.errors import UserError
from pipeline.run.cluster import ray_task
from pipeline.run.cluster.attempt import Attempt
from pipeline.run.cluster.config import STAGES, ClusterConfig
from pipeline.run.cluster.content_store import StoreError
from pipeline.run.cluster.ray_connection import connect, ray
from pipeline.run.cluster.ray_nodes import Nodes
from pipeline.run.cluster.remote_work import RemoteWork
from pipeline.run.place import Ended, Work
from pipeline.run.step import Step
from pipeline.run.this_machine import ThisMachine

BACKLOG = 0.25
"""Cells that wait at the cluster, for each that runs, so that a free CPU need not wait for the driver."""


class RayCluster:
    """A `Place`. Steps that belong to no cell run on this machine, one at a time.

    Args:
        config: cluster.yaml.
        cache: the folder of DVC's cache.
        jobs: cells at a time; None for as many as the cluster has CPUs for.
        trust_network: whether a cluster may be used that asks for no token.

    Raises:
        UserError: there is no cluster, it is open to others, or no node has this code and these libraries.
    """

    def __init__(self, config: ClusterConfig, cache: Path, jobs: int | None, trust_network: bool = False) -> None:
        connect(config.file.address, tokens=not trust_network)
        self._nodes = Nodes(tokens=not trust_network)
        self._config, self._most = config, jobs
        self._remote = RemoteWork(config, cache, self._nodes.expected, ray.put)
        self._attempts: dict[Any, Attempt] = {}
        """Reference to the answer -> the attempt, of those that were started."""
        self._here, self._here_next = ThisMachine(1), deque[Work]()
        self._unsent: list[Ended] = []

    @property
    def jobs(self) -> int:
        return self._most or max(1, sum(node.cpus for node in self._nodes.taking()))

    def check(self, steps: Iterable[Step]) -> None:
        """Raises `UserError` where no node has what a step needs."""
        nodes = self._nodes.taking()
        for step in steps:
            if step.stage in STAGES and not any(node.fits(self._config.needs(step)) for node in nodes):
                there = "; ".join(map(str, nodes[:4]))
                raise UserError(
                    f"{step.title} needs {self._config.needs(step)}, which no node has ({there}): "
                    "correct needs in cluster.yaml"
                )

    def room(self) -> int:
        return (self._most or int(self.jobs * (1 + BACKLOG)) + 1) - len(self._attempts)

    def start(self, work: Work) -> None:
        if work.step.stage in STAGES:
            self._submit(Attempt(work))
        else:
            self._here_next.append(work)
            self._start_here()

    def running(self) -> Mapping[str, float]:
        now = time.monotonic()
        return {each.work.step.name: now - each.start for each in self._attempts.values()} | {**self._here.running()}

    def wait(self, timeout: float) -> list[Ended]:
        ended, self._unsent = [*self._unsent, *self._here.wait(0 if self._attempts or self._unsent else timeout)], []
        self._start_here()
        if self._attempts and ray.wait([*self._attempts], timeout=0 if ended else timeout)[0]:
            ready, _ = ray.wait([*self._attempts], num_returns=len(self._attempts), timeout=0)
            ended += [found for ref in ready if (found := self._collect(ref))]
        return ended

    def stop(self) -> None:
        for ref in self._attempts:
            ray.cancel(ref, force=True)
        self._attempts.clear()
        ray.shutdown()
        self._here.stop()

    def _start_here(self) -> None:
        while self._here_next and self._here.room():
            self._here.start(self._here_next.popleft())

    def _submit(self, attempt: Attempt) -> None:
        step, needs = attempt.work.step, self._config.needs(attempt.work.step)
        if attempt.alone:
            cpus = [node.cpus for node in self._nodes.taking() if node.fits(needs)]
            needs = replace(needs, cpus=max(cpus, default=needs.cpus))
        try:
            call = self._remote.call(attempt.work, needs)
        except (OSError, StoreError) as error:
            self._unsent.append(Ended(step.name, 0.0, f"its inputs cannot be sent: {error}"))
        else:
            self._attempts[ray_task.submit(call, needs, self._nodes.excluded())] = attempt

    def _collect(self, ref: Any) -> Ended | None:
        """How a cell ended; None where it was started again."""
        attempt, answer = self._attempts.pop(ref), ray_task.answer(ref)
        step = attempt.work.step
        if answer.refused:
            self._nodes.refuse(answer.node, answer.refused)
        following = attempt.after(answer, self._config.file.retries)
        if isinstance(following, str):
            return self._remote.ended(step, answer, following)
        if following.because:
            print(f"{step.title} {following.because}", flush=True)
        self._submit(following)
        return None
