"""Cells on a Ray cluster: the place of `coverseek run --on ray`.

Ray decides on which node a cell runs and with which GPU. What is run, in which order, and what is recorded stays with
the schedule and the workspace. Each attempt is one task of Ray without retries of Ray's own: an attempt that was lost
with its node is started again here, and what it still returns later is not looked at.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipeline import paths
from pipeline.errors import UserError
from pipeline.run import ray_connection, remote_cell, worker
from pipeline.run.cluster_config import STAGES, ClusterConfig, Needs
from pipeline.run.content_store import ContentStore, StoreError
from pipeline.run.place import Ended, Work
from pipeline.run.ray_connection import Node, ray
from pipeline.run.remote_cell import Answer, Call
from pipeline.run.step import Step
from pipeline.run.this_machine import ThisMachine

BACKLOG = 0.25
"""Cells that wait at the cluster, for each that runs, so that a free CPU need not wait for the driver."""
HELD = 256
"""Inputs of cells that the driver holds in Ray's memory."""
KILLED = "killed by SIGKILL"


@dataclass
class Attempt:
    """A cell that was started. `lost`: attempts that ended with their node; `alone`: it has a node for itself."""

    work: Work
    start: float = field(default_factory=time.monotonic)
    lost: int = 0
    alone: bool = False


class RayCluster:
    """A `Place`. Steps that belong to no cell run on this machine, one at a time."""

    def __init__(self, config: ClusterConfig, cache: Path, jobs: int | None, trust_network: bool = False) -> None:
        """Connect to the cluster, and check its nodes.

        Args:
            config: cluster.yaml.
            cache: the folder of DVC's cache.
            jobs: cells at a time; None for as many as the cluster has CPUs for.

        Raises:
            UserError: there is no cluster, it is open to others, or no node has this code and these libraries.
        """
        tokens = ray_connection.connect(config.file.address, trust_network)
        self.config, self._cache = config, ContentStore(str(cache))
        self._expected = remote_cell.identity()
        found = ray_connection.alive()
        self._refused = ray_connection.refusals(found, self._expected | tokens)
        for node in found:
            if node.id in self._refused:
                print(f"node {node.name} takes no cells: {self._refused[node.id]}", flush=True)
        if not self._nodes():
            ray.shutdown()
            raise UserError("no node of the Ray cluster can take cells: make its nodes equal to this machine")
        cpus = int(sum(node.resources["CPU"] for node in self._nodes()))
        self.jobs = jobs or cpus
        self._most = jobs or int(cpus * (1 + BACKLOG)) + 1
        self._task = ray.remote(_run_cell)
        self._attempts: dict[Any, Attempt] = {}
        self._here, self._here_next = ThisMachine(1), deque[Work]()
        self._unsent: list[Ended] = []
        self._put = lru_cache(maxsize=HELD)(lambda md5: ray.put(self._cache.read(md5)))

    def check(self, steps: Iterable[Step]) -> None:
        """Raises `UserError` where no node has what a step needs."""
        nodes = self._nodes()
        for step in steps:
            needs = self.config.needs(step) if step.stage in STAGES else Needs(0)
            if not any(node.fits(needs) for node in nodes):
                there = "; ".join(map(str, nodes[:4]))
                raise UserError(
                    f"{step.title} needs {needs}, which no node has ({there}): correct needs in cluster.yaml"
                )

    def room(self) -> int:
        return self._most - len(self._attempts)

    def start(self, work: Work) -> None:
        if work.step.stage not in STAGES:
            self._here_next.append(work)
            self._start_here()
        else:
            self._submit(Attempt(work))

    def running(self) -> Mapping[str, float]:
        now = time.monotonic()
        return {each.work.step.name: now - each.start for each in self._attempts.values()} | {**self._here.running()}

    def wait(self, timeout: float) -> list[Ended]:
        ended, self._unsent = [*self._unsent, *self._here.wait(0 if self._attempts or self._unsent else timeout)], []
        self._start_here()
        if self._attempts and ray.wait([*self._attempts], num_returns=1, timeout=0 if ended else timeout)[0]:
            ready, _ = ray.wait([*self._attempts], num_returns=len(self._attempts), timeout=0)
            ended += [found for ref in ready if (found := self._collect(ref))]
        return ended

    def stop(self) -> None:
        for ref in self._attempts:
            ray.cancel(ref, force=True)
        self._attempts.clear()
        ray.shutdown()
        self._here.stop()

    def _nodes(self) -> list[Node]:
        """The nodes that take cells now."""
        return [node for node in ray_connection.alive() if node.id not in self._refused]

    def _start_here(self) -> None:
        while self._here_next and self._here.room():
            self._here.start(self._here_next.popleft())

    def _submit(self, attempt: Attempt) -> None:
        work, needs = attempt.work, self.config.needs(attempt.work.step)
        try:
            call = self._call(work, needs)
        except (OSError, StoreError) as error:
            self._unsent.append(Ended(work.step.name, 0.0, f"its inputs cannot be sent: {error}"))
            return
        options: dict[str, Any] = {"num_cpus": needs.cpus, "num_gpus": needs.gpus, "max_retries": 0}
        if attempt.alone:
            fitting = [node.resources["CPU"] for node in self._nodes() if node.fits(needs)]
            options["num_cpus"] = max([needs.cpus, *fitting])
        options |= {"memory": needs.memory} if needs.memory else {}
        options |= {"accelerator_type": needs.accelerator} if needs.accelerator else {}
        if self._refused:
            options["label_selector"] = {"ray.io/node-id": f"!in({','.join(sorted(self._refused))})"}
        self._attempts[self._task.options(name=work.step.name, **options).remote(call)] = attempt

    def _call(self, work: Work, needs: Needs) -> Call:
        objects: dict[str, Any] = {}
        store = self.config.file.store
        for path, md5 in work.reads.items():
            if not self._cache.has(md5):
                self._cache.keep(Path(path))  # DVC's cache was emptied, and the work tree has it
        if store:
            self._cache.copy_to(ContentStore(store), work.reads.values())
        else:
            objects = {name: self._put(name) for md5 in work.reads.values() for name in self._cache.names(md5)}
        device = os.environ.get("COVERSEEK_DEVICE")
        environment = {"COVERSEEK_DEVICE": device} if device else {}
        if not needs.gpus:
            environment["CUDA_VISIBLE_DEVICES"] = ""  # Ray shows all GPUs to a task that needs none
        files = {path.as_posix(): path.read_bytes() for path in (paths.PARAMS, paths.REQUIREMENTS) if path.exists()}
        return Call(
            work.step, work.reads, work.writes, files, objects, store, self.config.file.scratch, self._expected,
            environment, worker.COMMAND, tuple(worker.PRELOAD),
        )  # fmt: skip

    def _collect(self, ref: Any) -> Ended | None:
        """How an attempt ended; None where the cell was started again."""
        attempt = self._attempts.pop(ref)
        step, spent = attempt.work.step, time.monotonic() - attempt.start
        try:
            answer: Answer = ray.get(ref)
        except ray.exceptions.OutOfMemoryError:
            answer = Answer(why=KILLED, node="a node that had no memory left")
        except ray.exceptions.RayTaskError as error:
            return Ended(step.name, spent, " ".join(str(error.cause).split())[:200])
        except ray.exceptions.RayError as error:
            return self._lost(attempt, type(error).__name__)
        if answer.refused:
            return self._refuse(attempt, answer)
        if answer.lost:
            return self._lost(attempt, answer.lost)
        step.log.parent.mkdir(parents=True, exist_ok=True)
        step.log.write_bytes(answer.log)
        if answer.why == KILLED and not attempt.alone:
            print(
                f"{step.title} was killed on {answer.node} with {_size(answer.peak)}: it runs again alone", flush=True
            )
            attempt.alone = True
            return self._submit(attempt)
        peak = f" alone on {answer.node}, with {_size(answer.peak)} of memory" if answer.why == KILLED else ""
        return Ended(step.name, answer.seconds, answer.why + peak or self._take(answer))

    def _lost(self, attempt: Attempt, why: str) -> Ended | None:
        attempt.lost += 1
        step = attempt.work.step
        if attempt.lost > self.config.file.retries:
            return Ended(step.name, time.monotonic() - attempt.start, f"its node was lost {attempt.lost} times ({why})")
        print(f"{step.title} lost its node ({why}): it runs again", flush=True)
        return self._submit(attempt)

    def _refuse(self, attempt: Attempt, answer: Answer) -> Ended | None:
        """A node that joined later, or was changed, takes no cells from now on."""
        if answer.node not in self._refused:
            print(f"node {answer.node} takes no cells: {answer.refused}", flush=True)
            self._refused[answer.node] = answer.refused
        if not self._nodes():
            return Ended(attempt.work.step.name, 0.0, f"no node can take it: {answer.refused}")
        return self._submit(attempt)

    def _take(self, answer: Answer) -> str:
        """Make the outputs of a cell files of the work tree; why that failed, or nothing."""
        try:
            for md5, content in answer.objects.items():
                self._cache.add(md5, content)
            if self.config.file.store:
                ContentStore(self.config.file.store).copy_to(self._cache, answer.wrote.values())
            for path, md5 in answer.wrote.items():
                self._cache.checkout(md5, Path(path))
        except StoreError as error:
            return str(error)
        return ""


def _run_cell(call: Call) -> Answer:
    """The task of Ray: it returns, whatever happens to the cell."""
    return remote_cell.run(call, ray.get_runtime_context().get_node_id(), _get)


def _get(handles: Sequence[Any]) -> list[bytes]:
    try:
        return list(ray.get([*handles]))
    except ray.exceptions.RayError as error:
        raise remote_cell.LostError(type(error).__name__) from None


def _size(peak: int) -> str:
    return f"{peak / (1 << 30):.2f} GiB"
