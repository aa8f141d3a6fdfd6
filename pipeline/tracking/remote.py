"""The runs of a store that is a server: each task's ledger where it has one, else its runs page by page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from pipeline.errors import UserError
from pipeline.history.record import Record
from pipeline.tracking import ledger, runs, store
from pipeline.tracking.address import shown
from pipeline.tracking.kept import Definitions, Kept, records

WORKERS = 4
"""Tasks that are asked for at once: mlflow's server has four processes unless told otherwise."""


class Remote:
    """The store behind a client."""

    def __init__(self, client: MlflowClient) -> None:
        self._client = client
        self._held = store.experiments(client)

    def definitions(self) -> Definitions:
        return Definitions({experiment.name: experiment.tags for experiment in self._held.values()})

    def runs(self, tasks: Iterable[str], metrics: Sequence[str]) -> Iterator[Kept]:
        """The cells' runs of these tasks that are whole, the oldest first."""
        with ThreadPoolExecutor(WORKERS) as pool:
            read = pool.map(lambda task: ledger.read(self._client, self._held[task]), tasks)
            found = [run for one in read for run in one]
        for run in sorted(found, key=lambda run: run.start):
            yield run._replace(metrics={key: value for key, value in run.metrics.items() if key in metrics})


@contextmanager
def opened(address: str) -> Iterator[Remote]:
    """Raises `UserError` where the store cannot be used."""
    with store.opened(address) as client:
        yield Remote(client)


def run(address: str, identity: str) -> list[Record]:
    """The records of a cell's run, or of the current seeds of a model's run.

    Raises:
        UserError: the store cannot be used, or holds no such run of ours.
    """
    with store.opened(address) as client:
        found = _run(client, address, identity)
        experiment = client.get_experiment(found.info.experiment_id)
        seeds = f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{identity}' AND tags.current = 'true'"
        children = found.data.tags["kind"] == "model"
        cells = list(runs.every(client, experiment.experiment_id, seeds)) if children else [found]
        defined = Definitions({experiment.name: experiment.tags})
        return records((ledger.kept(cell) for cell in cells), defined, shown(address))


def _run(client: MlflowClient, address: str, identity: str) -> Run:
    try:
        found = client.get_run(identity)
    except MlflowException as error:
        raise UserError(f"run {identity} is not in MLflow at {shown(address)}; see: mlflow ui") from error
    if "kind" not in found.data.tags or "task" not in found.data.tags:
        raise UserError(f"run {identity} of MLflow at {shown(address)} is none that coverseek publish wrote")
    return found
