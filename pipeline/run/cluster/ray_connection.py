"""The connection to a Ray cluster with safe settings: the one module that imports Ray."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from collections.abc import Iterator

from pipeline.errors import UserError

SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is reported to anybody
    "RAY_task_oom_retries": "0",  # what was killed for memory is run again by the place, once
}
KEEPALIVE = "RAY_grpc_client_keepalive_time_ms"
"""Has to be the same on driver and nodes: who is asked for a sign of life more often than it asks itself takes that for
an attack, and drops the connection and the cell."""
os.environ.update(SETTINGS)  # WHY before the import: Ray reads them then

try:
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
except ImportError:
    raise UserError("--on ray: Ray is not installed; install it: pip install 'coverseek[ray]'") from None

KNOCK_SECONDS = 10.0
"""That a connection to the head may take."""
__all__ = ["SETTINGS", "NodeAffinitySchedulingStrategy", "asks_for_tokens", "connect", "ray", "refuse_open", "settings"]


def connect(address: str | None, tokens: bool) -> None:
    """Connect this process to the cluster.

    Args:
        address: of its head; None for RAY_ADDRESS, or else a head on this machine.
        tokens: whether the cluster has to ask for a token. A cluster on a loopback address is no exception: Ray listens
            on all addresses of a machine.

    Raises:
        UserError: there is no cluster at the address, or this process sends no token where it has to.
    """
    address = address or os.environ.get("RAY_ADDRESS") or "auto"
    try:
        _knock(address)
        with _own_signals():
            ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        line = " ".join(str(error).split())[:200]
        hint = "start one: ray start --head --disable-usage-stats --include-dashboard false"
        raise UserError(f"no Ray cluster at {address} ({line}); {hint}") from None
    if tokens and not asks_for_tokens():
        refuse_open(ray.get_runtime_context().gcs_address)


def refuse_open(where: str) -> None:
    """Leave the cluster. Raises `UserError`."""
    ray.shutdown()
    raise UserError(
        f"{where} of the Ray cluster takes commands without a token, from whoever reaches it: stop the cluster, run "
        "ray get-auth-token --generate, copy ~/.ray/auth_token to each node, set RAY_AUTH_MODE=token and start it "
        "again; or --trust-network"
    )


def settings() -> dict[str, str]:
    """What has to be equal on driver and nodes for the connection to last."""
    return {KEEPALIVE: os.environ.get(KEEPALIVE, "not set")}


def asks_for_tokens() -> bool:
    """Whether the Ray of this process asks for tokens and sends one."""
    return os.environ.get("RAY_AUTH_MODE", "").lower() == "token"


def _knock(address: str) -> None:
    """Raises OSError where nothing listens at host:port, which Ray finds out after ten minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), KNOCK_SECONDS).close()


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Ray replaces the handler of SIGTERM: a run has its own."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
