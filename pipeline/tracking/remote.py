"""The runs of a store that is a server, asked for page by page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from mlflow import MlflowClient
from mlflow.entities import Run

from pipeline.tracking import runs, store
from pipeline.tracking.kept import Definitions, Kept
from pipeline.tracking.stored import WRITTEN


class Remote:
    """The store behind a client."""

    def __init__(self, client: MlflowClient) -> None:
        self._client = client
        self._held = store.experiments(client)

    def definitions(self) -> Definitions:
        return Definitions({experiment.name: experiment.tags for experiment in self._held.values()})

    def runs(self, tasks: Iterable[str], metrics: Sequence[str]) -> Iterator[Kept]:
        """The cells' runs of these tasks that are whole, the oldest first."""
        found = [run for task in tasks for run in self._cells(task) if run.info.status in WRITTEN]
        for run in sorted(found, key=lambda run: (run.info.start_time, run.info.run_id)):
            numbers = {key: value for key, value in run.data.metrics.items() if key in metrics}
            yield Kept(run.info.start_time, run.data.tags, run.data.params, numbers)

    def _cells(self, task: str) -> Iterator[Run]:
        return runs.every(self._client, self._held[task].experiment_id, "tags.kind = 'cell'")


@contextmanager
def opened(address: str) -> Iterator[Remote]:
    """Raises `UserError` where the store cannot be used."""
    with store.opened(address) as client:
        yield Remote(client)
