"""The tracking store, and its experiments: one a task, `coverseek/<task>`."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Experiment, ViewType
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from pipeline import files
from pipeline.errors import UserError
from pipeline.tracking.stored import PREFIX, database, shown


@contextmanager
def opened(address: str) -> Iterator[MlflowClient]:
    """A client of the store at `address`, made if it is a sqlite file that does not exist.

    Raises:
        UserError: the store cannot be used, at any time while the block runs.
    """
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        _create(address)
        mlflow.set_tracking_uri(address)  # the registry looks models up through it
        yield MlflowClient(address)
    except (MlflowException, SQLAlchemyError, ImportError) as error:
        raise UserError(f"MLflow at {shown(address)} cannot be used: {_reason(error)}; {_remedy(address)}") from error


def experiments(client: MlflowClient) -> dict[str, Experiment]:
    """Task -> experiment."""
    found = client.search_experiments(filter_string=f"name LIKE '{PREFIX}%'")
    return {experiment.name.removeprefix(PREFIX): experiment for experiment in found}


def create_experiment(client: MlflowClient, task: str) -> str:
    """The id of a new experiment; one that was deleted comes back, for its name cannot be taken again."""
    deleted = client.search_experiments(ViewType.DELETED_ONLY, filter_string=f"name = '{PREFIX}{task}'")
    if not deleted:
        return str(client.create_experiment(PREFIX + task))
    client.restore_experiment(deleted[0].experiment_id)
    return str(deleted[0].experiment_id)


def _create(address: str) -> None:
    """Make a sqlite store whole or not at all: one whose making was interrupted cannot be opened."""
    path = database(address)
    if path is not None and not path.exists():
        with files.whole(path) as draft:
            MlflowClient(f"sqlite:///{draft.resolve().as_posix()}").search_experiments(max_results=1)


def _reason(error: Exception) -> str:
    """The first line of what mlflow says, cut where a stack of exceptions begins, without a password."""
    line = str(error).strip().partition("\n")[0]
    return "it does not answer" if "failed with exception" in line else shown(line[:160])


def _remedy(address: str) -> str:
    path = database(address)
    if path is not None:
        return f"delete {path.name} and run coverseek publish: it is made again from the reports"
    return "start its server, or unset MLFLOW_TRACKING_URI to publish into a file here, and run coverseek publish"
