"""The runs of one experiment: a parent for each model, a child for each cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mlflow import MlflowClient
from mlflow.entities import Run, RunTag, ViewType

from pipeline.tracking import limits
from pipeline.tracking.stored import TURN, TURNS, WRITTEN

CHILDREN = ("cell", "scored")
"""The kinds of runs that hold numbers of their own."""


@dataclass(frozen=True)
class Runs:
    """What publish wrote into one experiment. `models`: by name. `cells`: by hash, with what was scored from files."""

    models: dict[str, Run]
    cells: dict[str, Run]


def read(client: MlflowClient, experiment: str) -> Runs:
    """The runs there, each cell and model once.

    A cell whose writing was interrupted is deleted, to be written again. Of runs that are there more than once, as two
    publications at once left them, one stays: the one that has most turns, the oldest of those.
    """
    models: dict[str, list[Run]] = {}
    cells: dict[str, list[Run]] = {}
    for run in every(client, experiment):
        tags = run.data.tags
        if tags.get("kind") == "model" and "model" in tags:
            models.setdefault(tags["model"], []).append(run)
        elif tags.get("kind") in CHILDREN and run.info.status in WRITTEN:
            cells.setdefault(tags.get("hash", ""), []).append(run)
        elif tags.get("kind") in CHILDREN:
            _delete(client, run)
    return Runs(_once(client, models), _once(client, cells))


def current(client: MlflowClient, experiment: str) -> Counter[str]:
    """How often each current run is there, named as in `entry.run_names`."""
    found: Counter[str] = Counter()
    for run in every(client, experiment, "tags.current = 'true'"):
        tags = run.data.tags
        if tags.get("kind") == "model":
            found[f"model {tags.get('model')}"] += 1
        elif tags.get("kind") in CHILDREN and run.info.status in WRITTEN:
            found[tags.get("hash", "")] += 1
    return found


def restore(client: MlflowClient, experiment: str, models: set[str], cells: set[str]) -> int:
    """Restore those of the named models and cells that were deleted; how many there were.

    Args:
        models: names.
        cells: hashes.
    """
    found: dict[str, list[Run]] = {}
    for run in every(client, experiment, view=ViewType.DELETED_ONLY) if models or cells else ():
        tags = run.data.tags
        if tags.get("kind") == "model" and tags.get("model") in models:
            found.setdefault(f"model {tags['model']}", []).append(run)
        elif tags.get("kind") in CHILDREN and tags.get("hash") in cells and run.info.status in WRITTEN:
            found.setdefault(tags["hash"], []).append(run)
    for runs in found.values():
        client.restore_run(min(runs, key=_rank).info.run_id)
    return len(found)


def tag(client: MlflowClient, run: Run, tags: Mapping[str, str]) -> None:
    """Set what differs."""
    fitting = limits.tags(tags)
    changed = [RunTag(key, value) for key, value in fitting.items() if run.data.tags.get(key) != value]
    if changed:
        client.log_batch(run.info.run_id, tags=changed)


def every(client: MlflowClient, experiment: str, only: str = "", view: int = ViewType.ACTIVE_ONLY) -> Iterator[Run]:
    """All runs of an experiment that mlflow's filter `only` lets through, page by page."""
    token = None
    while True:
        page = client.search_runs([experiment], only, view, max_results=1000, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _once(client: MlflowClient, found: Mapping[str, list[Run]]) -> dict[str, Run]:
    """One run for each name; the others are deleted, which MLflow can undo."""
    for runs in found.values():
        runs.sort(key=_rank)
        for run in runs[1:]:
            _delete(client, run)
    return {name: runs[0] for name, runs in found.items()}


def _rank(run: Run) -> tuple[int, int, str]:
    turns = sum(key.startswith((TURN, TURNS)) for key in run.data.tags)
    return -turns, run.info.start_time, run.info.run_id


def _delete(client: MlflowClient, run: Run) -> None:
    mine = f"source_run_id = '{run.info.run_id}'"
    for model in client.search_logged_models([run.info.experiment_id], filter_string=mine):
        client.delete_logged_model(model.model_id)
    client.delete_run(run.info.run_id)
