"""The nodes of a Ray cluster that take cells: each is asked what it is, also those that join later."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import UserError
from pipeline.run.cluster.config import Needs
from pipeline.run.cluster.node_identity import differences, identity
from pipeline.run.cluster.ray_connection import (
    NodeAffinitySchedulingStrategy,
    asks_for_tokens,
    ray,
    refuse_open,
    settings,
)

CHECK_SECONDS = 120.0
"""That the nodes may take to say what they are before the first cell starts."""
HEAD = "node:__internal_head__"
"""The resource that Ray gives the head."""
PERIOD = 2.0
"""Seconds between two looks at the list of nodes."""


@dataclass(frozen=True)
class Node:
    """A node that is alive."""

    id: str
    name: str
    resources: Mapping[str, float] = field(default_factory=dict)

    @property
    def cpus(self) -> int:
        return int(self.resources.get("CPU", 0))

    def fits(self, needs: Needs) -> bool:
        """Whether it has as much when it is idle."""
        wanted = {"CPU": needs.cpus, "GPU": needs.gpus, "memory": needs.memory}
        if needs.accelerator:
            wanted[f"accelerator_type:{needs.accelerator}"] = 0.001
        return all(self.resources.get(name, 0) >= least for name, least in wanted.items())

    def __str__(self) -> str:
        gpus, memory = self.resources.get("GPU", 0), self.resources.get("memory", 0)
        return f"{self.name}: {self.cpus} CPUs, {gpus:g} GPUs, {memory / (1 << 30):.3g} GiB"


class Nodes:
    """The nodes, as they are now.

    Args:
        tokens: whether each has to ask for a token.

    Attributes:
        expected: what `identity` has to be on a node.

    Raises:
        UserError: a node asks for no token, the head has other settings of connections, or no node can take cells.
    """

    def __init__(self, tokens: bool) -> None:
        self.expected, self._tokens = identity(), tokens
        self._settings = settings()
        self._alive: list[Node] = []
        self._asked: dict[str, Any] = {}
        self._refused: dict[str, str] = {}
        self._next_look = 0.0
        self._look(CHECK_SECONDS)
        head = next((node.id for node in self._alive if HEAD in node.resources), "")
        if any(name in self._refused.get(head, "") for name in self._settings):
            ray.shutdown()
            raise UserError(f"the head of the Ray cluster: {self._refused[head]}; start Ray and the run with the same")
        if not self._taking():
            ray.shutdown()
            raise UserError("no node of the Ray cluster can take cells: make its nodes equal to this machine")

    def taking(self) -> list[Node]:
        """Those that take cells."""
        if time.monotonic() > self._next_look:
            before = self._taking()
            self._look(0.0)
            if before and not self._taking():
                print("no node takes cells any more: the run waits for one that joins", flush=True)
        return self._taking()

    def _taking(self) -> list[Node]:
        heard = [node for node in self._alive if node.id not in self._asked]
        return [node for node in heard if node.cpus and node.id not in self._refused]

    def excluded(self) -> set[str]:
        """The ids of those that must not get a cell.

        Not of those that have not said yet what they are: a cell that waits keeps what was excluded when it was sent,
        and would wait for ever where such a node is the only one left. The cell itself compares (`remote_cell.run`).
        """
        return {*self._refused}

    def refuse(self, name: str, why: str) -> None:
        """Give a node no more cells. `name`: its id."""
        if name not in self._refused:
            shown = next((node.name for node in self._alive if node.id == name), name)
            print(f"node {shown} takes no cells: {why}", flush=True)
            self._refused[name] = why

    def _look(self, timeout: float) -> None:
        """Ask the nodes that are new, and hear those that were asked."""
        known = {node.id for node in self._alive}
        self._alive = [
            Node(node["NodeID"], f"{node['NodeManagerAddress']}:{node['NodeManagerPort']}", node["Resources"])
            for node in ray.nodes()
            if node["Alive"]
        ]
        for node in self._alive:
            if node.id not in known:
                there = NodeAffinitySchedulingStrategy(node.id, soft=False)
                self._asked[node.id] = _TASK.options(num_cpus=0, max_retries=0, scheduling_strategy=there).remote()
        if self._asked:
            ray.wait([*self._asked.values()], num_returns=len(self._asked), timeout=timeout)
        for name, ref in [*self._asked.items()]:
            if timeout or ray.wait([ref], timeout=0)[0]:
                del self._asked[name]
                self._hear(name, ref)
        self._next_look = time.monotonic() + PERIOD

    def _hear(self, name: str, ref: Any) -> None:
        try:
            tokens, found = ray.get(ref, timeout=0)
        except ray.exceptions.RayError as error:
            return self.refuse(name, f"coverseek does not answer there ({type(error).__name__})")
        if self._tokens and not tokens:
            refuse_open(f"node {name}")
        if why := differences(self.expected | self._settings, found):
            self.refuse(name, why)


def _identity() -> tuple[bool, dict[str, str]]:
    return asks_for_tokens(), identity() | settings()


_TASK: Any = ray.remote(_identity)
