"""One publication at a time: a lock file next to a sqlite store, a marker in the model registry of any other store.

A lock file is released by the operating system when its holder ends, however it ends. MLflow's servers have no locks,
but of several clients that create a registered model of one name exactly one succeeds. The holder renews its marker
every `BEAT` seconds. A marker that was not renewed for `STALE` seconds is of a publication that was killed, and is
taken over. Two publications that take it over in the same instant can both go on; doubled runs that are left then are
found and removed by the next publication (`runs.read`).
"""

from __future__ import annotations

import logging
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from filelock import FileLock, Timeout
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from pipeline.errors import UserError
from pipeline.tracking.address import database, shown

MARKER = "coverseek.lock"
"""The registered model that exists while a publication is under way."""
WAIT, POLL, BEAT, STALE = 600.0, 0.5, 5.0, 60.0  # seconds

_LOG = logging.getLogger("mlflow.coverseek")


@contextmanager
def file_lock(address: str) -> Iterator[None]:
    """Hold the lock file of a sqlite store; nothing for another kind of store.

    Raises:
        UserError: another publication holds it for longer than `WAIT`, or its folder cannot be written.
    """
    path = database(address)
    if path is None:
        yield
        return
    path = path.resolve()
    lock = FileLock(path.with_name(f"{path.name}.lock"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            _say(address)
            lock.acquire(timeout=WAIT)
    except Timeout:
        raise UserError(_busy(address)) from None
    except OSError as error:
        raise UserError(
            f"MLflow at {shown(address)} cannot be used: {error.strerror or 'its lock cannot be taken'}; "
            f"allow writing to the folder of {path.name}, then run coverseek publish again"
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def marker(client: MlflowClient, address: str) -> Iterator[None]:
    """Hold the marker of a store that is not a sqlite file; nothing for a sqlite file.

    Raises:
        UserError: another publication holds it for longer than `WAIT`.
        MlflowException: the store cannot be used.
    """
    if database(address) is not None:
        yield
        return
    token = uuid.uuid4().hex
    _acquire(client, address, token)
    done = Event()
    beat = Thread(target=_renew, args=(client, token, done), daemon=True)
    beat.start()
    try:
        yield
    finally:
        done.set()
        beat.join()
        if _state(client)[0] == token:
            client.delete_registered_model(MARKER)


def _acquire(client: MlflowClient, address: str, token: str) -> None:
    begin = changed = time.monotonic()
    seen: tuple[str, str] | None = None
    while not _create(client, token):
        now, state = time.monotonic(), _state(client)
        if seen is None:
            _say(address)
        if state != seen:
            seen, changed = state, now
        elif now - changed > STALE and _state(client) == seen:
            client.delete_registered_model(MARKER)
            continue
        if now - begin > WAIT:
            raise UserError(_busy(address))
        time.sleep(POLL)


def _create(client: MlflowClient, token: str) -> bool:
    """Whether the marker was not there, and is ours now."""
    try:
        client.create_registered_model(MARKER, tags={"holder": token}, description="A publication is under way.")
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        return False
    return True


def _state(client: MlflowClient) -> tuple[str, str]:
    """Who holds the marker, and when it was last renewed by the holder's clock; empty where it is gone."""
    found = client.search_registered_models(f"name = '{MARKER}'")
    tags = found[0].tags if found else {}
    return tags.get("holder", ""), tags.get("renewed", "")


def _renew(client: MlflowClient, token: str, done: Event) -> None:
    while not done.wait(BEAT):
        try:
            if _state(client)[0] == token:
                client.set_registered_model_tag(MARKER, "renewed", str(time.time_ns()))
        except MlflowException as error:
            _LOG.warning("the marker %s was not renewed: %s", MARKER, error)


def _say(address: str) -> None:
    print(f"MLflow: another coverseek publish writes to {shown(address)}: waiting for it", file=sys.stderr)


def _busy(address: str) -> str:
    return f"another coverseek publish writes to {shown(address)}: wait for it, then run coverseek publish again"
