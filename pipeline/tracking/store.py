"""The tracking store, and its experiments: one a task, `coverseek/<task>`."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Experiment, ViewType
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from pipeline import files
from pipeline.errors import UserError
from pipeline.tracking import stored
from pipeline.tracking.address import VARIABLE, database, scrub, shown, sqlite
from pipeline.tracking.log import diverted
from pipeline.tracking.stored import PREFIX


@contextmanager
def opened(address: str, writing: bool = False) -> Iterator[MlflowClient]:
    """A client of the store at `address`, made if it is a sqlite file that does not exist.

    Args:
        writing: whether the store is going to be changed.

    Raises:
        UserError: the store cannot be used, at any time while the block runs.
    """
    path = database(address)
    with diverted(address), _usable(address, path) as usable, _tracking_uri(usable):
        try:
            client = _connect(path, usable, writing)
            yield client
        except (MlflowException, SQLAlchemyError, ImportError, sqlite3.Error) as error:
            raise UserError(_message(address, path, error)) from error


def experiments(client: MlflowClient) -> dict[str, Experiment]:
    """Task -> experiment."""
    found = client.search_experiments(filter_string=f"name LIKE '{PREFIX}%'")
    return {experiment.name.removeprefix(PREFIX): experiment for experiment in found}


def create_experiment(client: MlflowClient, address: str, task: str) -> str:
    """The id of a new experiment; one that was deleted comes back, for its name cannot be taken again."""
    deleted = client.search_experiments(ViewType.DELETED_ONLY, filter_string=f"name = '{PREFIX}{task}'")
    if not deleted:
        return str(client.create_experiment(PREFIX + task, _artifacts(address, task)))
    client.restore_experiment(deleted[0].experiment_id)
    return str(deleted[0].experiment_id)


def _artifacts(address: str, task: str) -> str | None:
    """Where an experiment's artifacts go; None for MLflow's default, which decodes a path with a percent sign."""
    folder = Path("mlruns").resolve()
    return (folder / task).as_uri() if database(address) is not None and "%" in str(folder) else None


def _connect(path: Path | None, address: str, writing: bool) -> MlflowClient:
    """A client that has reached its store.

    Raises:
        MlflowException, SQLAlchemyError, ImportError, sqlite3.Error: it cannot be reached.
    """
    if path is not None and path.exists() and stored.is_interrupted(path):
        stored.recover(path)
        print(f"MLflow: an earlier publication was interrupted; what it left of {path.name} is rolled back")
    if path is not None and path.exists():
        stored.probe(path, writing)
    elif path is not None:
        _create(path)
    client = MlflowClient(address)
    try:
        client.search_experiments(max_results=1)
    except (ValueError, OSError) as error:  # of urllib or a driver, where an address has a part that it does not take
        raise MlflowException(str(error)) from error
    return client


def _create(path: Path) -> None:
    """Make a sqlite store whole or not at all: one whose making was interrupted cannot be opened."""
    with files.whole(path) as draft, _usable(sqlite(draft.resolve()), draft) as address:
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


@contextmanager
def _tracking_uri(address: str) -> Iterator[None]:
    """The registry looks models up through the global address, which MLflow also writes to the environment."""
    before = os.environ.get(VARIABLE)
    mlflow.set_tracking_uri(address)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = before


def _message(address: str, path: Path | None, error: Exception) -> str:
    """One line: the store, what is wrong, what to do; without a secret."""
    line = scrub(str(error).strip().partition("\n")[0], address)[:160]
    if path is not None:
        fault, advice = stored.remedy(path, line)
    elif isinstance(error, ImportError):
        fault, advice = line, "install the driver of that database, and run coverseek publish"
    else:
        fault = "it does not answer" if "failed with exception" in line else line
        advice = "start its server, or unset MLFLOW_TRACKING_URI to publish into a file here, and run coverseek publish"
    return f"MLflow at {shown(address)} cannot be used: {fault}; {advice}"
