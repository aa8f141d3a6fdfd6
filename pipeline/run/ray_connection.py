"""The connection to a Ray cluster, with safe settings, and what its nodes are. Imported by `ray_cluster` alone."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import signal
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.errors import UserError
from pipeline.run import remote_cell
from pipeline.run.cluster_config import Needs

SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is reported to anybody
    "RAY_grpc_client_keepalive_time_ms": "10000",  # a node that answers no more is found within a minute
    "RAY_grpc_client_keepalive_timeout_ms": "10000",
    "RAY_health_check_timeout_ms": "5000",
    "RAY_task_oom_retries": "0",  # what was killed for memory is run again by the place, once
}
os.environ.update(SETTINGS)  # WHY before the import: Ray reads them then

try:
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
except ImportError:
    raise UserError("--on ray: Ray is not installed; install it: pip install 'coverseek[ray]'") from None

TOKENS, ON, OFF = "the check of tokens (RAY_AUTH_MODE)", "on", "off"
CHECK_SECONDS = 120.0
"""That a node may take to say what it is."""


@dataclass(frozen=True)
class Node:
    """A node that takes cells."""

    id: str
    name: str
    resources: Mapping[str, float] = field(default_factory=dict)

    def fits(self, needs: Needs) -> bool:
        """Whether an idle node has as much."""
        wanted = {"CPU": needs.cpus, "GPU": needs.gpus, "memory": needs.memory}
        if needs.accelerator:
            wanted[f"accelerator_type:{needs.accelerator}"] = 0.001
        return all(self.resources.get(name, 0) >= least for name, least in wanted.items())

    def __str__(self) -> str:
        gpus, memory = self.resources.get("GPU", 0), self.resources.get("memory", 0)
        return f"{self.name}: {self.resources.get('CPU', 0):g} CPUs, {gpus:g} GPUs, {memory / (1 << 30):.3g} GiB"


def connect(address: str | None, trust_network: bool) -> dict[str, str]:
    """Connect this process to the cluster.

    Returns:
        What each node has to be besides `remote_cell.identity`: that it asks for tokens, unless nobody else reaches it.

    Raises:
        UserError: there is no cluster at the address, or it lacks a token and can be reached from elsewhere.
    """
    address = address or os.environ.get("RAY_ADDRESS") or "auto"
    try:
        with _own_signals():
            ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        line = " ".join(str(error).split())[:200]
        hint = "start one: ray start --head --disable-usage-stats --include-dashboard false"
        raise UserError(f"no Ray cluster at {address} ({line}); {hint}") from None
    at = ray.get_runtime_context().gcs_address
    if trust_network or _is_loopback(at):
        return {}
    if _tokens() == OFF:
        ray.shutdown()
        raise UserError(
            f"the Ray cluster at {at} takes commands without a token, from whoever reaches it: stop it, run "
            "ray get-auth-token --generate, copy ~/.ray/auth_token to each node, start it again; or --trust-network"
        )
    return {TOKENS: ON}


def alive() -> list[Node]:
    """The nodes of the cluster that have CPUs for tasks."""
    return [
        Node(node["NodeID"], f"{node['NodeManagerAddress']}:{node['NodeManagerPort']}", node["Resources"])
        for node in ray.nodes()
        if node["Alive"] and node["Resources"].get("CPU")
    ]


def refusals(nodes: Sequence[Node], expected: Mapping[str, str]) -> dict[str, str]:
    """Id -> why a node takes no cells, of those that take none.

    Args:
        expected: what `remote_cell.identity` has to be there, and what `connect` returned.
    """
    task = ray.remote(_identity)
    refs = {}
    for node in nodes:
        there = NodeAffinitySchedulingStrategy(node.id, soft=False)
        refs[node.id] = task.options(num_cpus=0, max_retries=0, scheduling_strategy=there).remote()
    if refs:
        ray.wait([*refs.values()], num_returns=len(refs), timeout=CHECK_SECONDS)
    found: dict[str, str] = {}
    for node in nodes:
        try:
            why = remote_cell.differences(expected, ray.get(refs[node.id], timeout=1))
        except ray.exceptions.RayError as error:
            why = f"coverseek does not answer there ({type(error).__name__})"
        if why:
            found[node.id] = why
    return found


def _identity() -> dict[str, str]:
    return remote_cell.identity() | {TOKENS: _tokens()}


def _tokens() -> str:
    return ON if os.environ.get("RAY_AUTH_MODE") == "token" else OFF


def _is_loopback(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    try:
        return all(ipaddress.ip_address(found[4][0]).is_loopback for found in socket.getaddrinfo(host, None))
    except (OSError, ValueError):
        return False


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Ray replaces the handler of SIGTERM: a run has its own."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
