"""The runs of one experiment: a parent for each model, a child for each cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mlflow import MlflowClient
from mlflow.entities import Run, RunTag

from pipeline.tracking.stored import WRITTEN

CHILDREN = ("cell", "scored")
"""The kinds of runs that hold numbers of their own."""


@dataclass(frozen=True)
class Runs:
    """What publish wrote into one experiment. `models`: by name. `cells`: by hash, with what was scored from files."""

    models: dict[str, Run]
    cells: dict[str, Run]


def read(client: MlflowClient, experiment: str) -> Runs:
    """The runs there. A cell whose writing was interrupted is deleted, to be written again."""
    models, cells = {}, {}
    for run in every(client, experiment):
        tags = run.data.tags
        if tags.get("kind") == "model":
            models[tags["model"]] = run
        elif tags.get("kind") in CHILDREN and run.info.status in WRITTEN:
            cells[tags["hash"]] = run
        elif tags.get("kind") in CHILDREN:
            _delete(client, run)
    return Runs(models, cells)


def tag(client: MlflowClient, run: Run, tags: Mapping[str, str]) -> None:
    """Set what differs."""
    changed = [RunTag(key, value) for key, value in tags.items() if run.data.tags.get(key) != value]
    if changed:
        client.log_batch(run.info.run_id, tags=changed)


def every(client: MlflowClient, experiment: str, only: str = "") -> Iterator[Run]:
    """All runs of an experiment that mlflow's filter `only` lets through, page by page."""
    token = None
    while True:
        page = client.search_runs([experiment], only, max_results=1000, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _delete(client: MlflowClient, run: Run) -> None:
    mine = f"source_run_id = '{run.info.run_id}'"
    for model in client.search_logged_models([run.info.experiment_id], filter_string=mine):
        client.delete_logged_model(model.model_id)
    client.delete_run(run.info.run_id)
