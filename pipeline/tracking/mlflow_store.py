"""The tracking store: opening it, its experiments, `coverseek/<task>`, and one publication at a time."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from getpass import getuser
from pathlib import Path

import mlflow
from filelock import FileLock, Timeout
from mlflow import MlflowClient
from mlflow.entities import Experiment, ViewType
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from pipeline import files
from pipeline.errors import UserError
from pipeline.tracking.address import VARIABLE, database, scrub, shown, sqlite
from pipeline.tracking.mlflow_log import diverted

PREFIX = "coverseek/"
AGAIN = "run coverseek publish again"
LOCKED = "another program is writing to it"
FAULTS = (
    ("is locked", LOCKED, f"wait, then {AGAIN}"),
    ("disk is full", "the disk is full", f"free some space, then {AGAIN}"),
    ("disk I/O error", "the disk reports an error", f"check the disk, then {AGAIN}"),
    ("readonly", "it cannot be written", f"allow writing to it and to its folder, then {AGAIN}"),
    ("Permission denied", "it cannot be written", f"allow writing to it and to its folder, then {AGAIN}"),
    ("unable to open", "it cannot be opened", f"check that its folder exists and can be written, then {AGAIN}"),
    ("out-of-date database schema", "it is of another version of MLflow", "copy it, then run: mlflow db upgrade"),
    ("not a database", "it is damaged", f"restore it from a backup, or rename it and {AGAIN}"),
    ("malformed", "it is damaged", f"restore it from a backup, or rename it and {AGAIN}"),
    ("no such table", "it is no database of MLflow", f"restore it from a backup, or rename it and {AGAIN}"),
)
"""What sqlite says, what is wrong, and what to do. No remedy deletes anything: runs of earlier results cannot be made
again from the reports."""
WAIT = 600.0
"""Seconds that a publication waits for another one."""


class StoreError(UserError):
    """The store cannot be used. `fault`: what is wrong; `remedy`: what to do."""

    def __init__(self, address: str, fault: str, remedy: str) -> None:
        super().__init__(f"MLflow at {shown(address)} cannot be used: {fault}; {remedy}")
        self.fault, self.remedy = fault, remedy


@contextmanager
def opened(address: str, writing: bool = False) -> Iterator[MlflowClient]:
    """A client of the store at `address`.

    Args:
        writing: whether the store is going to be changed; a sqlite file that does not exist is made.

    Raises:
        UserError: the sqlite file does not exist, and nothing is to be written.
        StoreError: the store cannot be used, at any time while the block runs.
    """
    path = database(address)
    with diverted(address), _usable(address, path) as usable:
        try:
            yield _connect(path, usable, writing)
        except (MlflowException, SQLAlchemyError, ImportError, sqlite3.Error) as error:
            raise StoreError(address, *_fault(address, path, error)) from error


@contextmanager
def locked(address: str) -> Iterator[None]:
    """Exclude other publications: by a lock file next to a sqlite file, else by one in the folder for temporary files.

    The operating system releases it when its holder ends, however it ends. The second kind excludes publications of
    one user on one machine only. Runs that two machines wrote twice are made one by the next publication (`runs.read`).

    Raises:
        UserError: another publication holds it for longer than `WAIT`.
        StoreError: the lock file cannot be written.
    """
    path = database(address)
    name = f"coverseek-{getuser()}-{hashlib.sha256(address.encode()).hexdigest()[:16]}.lock"
    file = path.resolve().with_name(f"{path.name}.lock") if path else Path(tempfile.gettempdir()) / name
    lock = FileLock(file)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            print(f"MLflow: another coverseek publish writes to {shown(address)}: waiting for it", file=sys.stderr)
            lock.acquire(timeout=WAIT)
    except Timeout:
        raise UserError(f"another coverseek publish writes to {shown(address)}: wait for it, then {AGAIN}") from None
    except OSError as error:
        fault = error.strerror or "its lock cannot be taken"
        raise StoreError(address, fault, f"allow writing to the folder of {file.name}, then {AGAIN}") from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def registry(client: MlflowClient) -> Iterator[None]:
    """Within the block the model registry finds models: MLflow looks them up through a global address, which it also
    writes to the environment."""
    before = os.environ.get(VARIABLE)
    mlflow.set_tracking_uri(client.tracking_uri)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = before


def experiments(client: MlflowClient) -> dict[str, Experiment]:
    """Task -> experiment."""
    found = client.search_experiments(filter_string=f"name LIKE '{PREFIX}%'")
    return {experiment.name.removeprefix(PREFIX): experiment for experiment in found}


def create_experiment(client: MlflowClient, address: str, task: str) -> str:
    """The id of a new experiment; a deleted one is restored, for its name cannot be used again."""
    deleted = client.search_experiments(ViewType.DELETED_ONLY, filter_string=f"name = '{PREFIX}{task}'")
    if not deleted:
        return str(client.create_experiment(PREFIX + task, _artifacts(address, task)))
    client.restore_experiment(deleted[0].experiment_id)
    return str(deleted[0].experiment_id)


def make(address: str) -> None:
    """Make the store if it is a sqlite file that does not exist."""
    path = database(address)
    if path is not None and not path.exists():
        with opened(address, writing=True):
            pass


def is_interrupted(path: Path) -> bool:
    """Whether a killed program left a journal next to the sqlite file at `path`; sqlite rolls it back on opening."""
    journal = path.with_name(f"{path.name}-journal")
    return journal.exists() and journal.stat().st_size > 0


def _artifacts(address: str, task: str) -> str | None:
    """Where an experiment's artifacts go; None for MLflow's default, which decodes a path with a percent sign."""
    folder = Path("mlruns").resolve()
    return (folder / task).as_uri() if database(address) is not None and "%" in str(folder) else None


def _connect(path: Path | None, address: str, writing: bool) -> MlflowClient:
    """A client that has reached its store.

    Raises:
        MlflowException, SQLAlchemyError, ImportError, sqlite3.Error: it cannot be reached.
    """
    if path is not None and path.exists():
        interrupted = is_interrupted(path)
        _probe(path, writing)
        if interrupted:
            print(f"MLflow: an earlier publication was interrupted; what it left of {path.name} is rolled back")
    elif path is not None and writing:
        _create(path)
    elif path is not None:
        raise UserError(f"{path.name} is missing: nothing is published; run: coverseek publish")
    client = MlflowClient(address)
    try:
        client.search_experiments(max_results=1)
    except (ValueError, OSError) as error:  # of urllib or a driver, where an address has a part that it does not take
        raise MlflowException(str(error)) from error
    return client


def _probe(path: Path, writing: bool) -> None:
    """Raise sqlite3.Error at once where the file cannot be used: MLflow tries again for minutes."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, isolation_level=None)) as connection:
        if writing:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _create(path: Path) -> None:
    """Make a sqlite store whole or not at all: one whose making was interrupted cannot be opened."""
    with files.atomic_write(path) as draft, _usable(sqlite(draft.resolve()), draft) as address:
        MlflowClient(address).search_experiments(max_results=1)


@contextmanager
def _usable(address: str, path: Path | None) -> Iterator[str]:
    """An address of the same store that needs no quoting.

    MLflow makes the parent folder of a sqlite file from the address as it is written: of a quoted one, a stray folder
    elsewhere. Such a file is used through a link.
    """
    if path is None:
        yield address
    elif not {"%", "?"} & {*str(path.resolve())}:
        yield f"sqlite:///{path.resolve().as_posix()}"
    else:
        with tempfile.TemporaryDirectory() as folder:
            link = Path(folder).resolve() / "mlflow.db"
            link.symlink_to(path.resolve())
            yield f"sqlite:///{link.as_posix()}"


def _fault(address: str, path: Path | None, error: Exception) -> tuple[str, str]:
    """What is wrong, in one line without a secret, and what to do."""
    line = scrub(str(error).strip().partition("\n")[0], address)[:160]
    if path is not None:
        known = ((fault, remedy) for words, fault, remedy in FAULTS if words in line)
        return next(known, (line, f"see logs/mlflow.log, then {AGAIN}"))
    if isinstance(error, ImportError):
        return line, "install the driver of that database, and run coverseek publish"
    fault = "it does not answer" if "failed with exception" in line else line
    return (
        fault,
        "start its server, or unset MLFLOW_TRACKING_URI to publish into a file here, and run coverseek publish",
    )
