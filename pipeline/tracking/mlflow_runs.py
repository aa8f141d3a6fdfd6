"""The runs of one experiment: a parent for each model, a child for each cell or scored file, and trainings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mlflow import MlflowClient
from mlflow.entities import Run, RunTag, ViewType

from pipeline.tracking import limits

CHILDREN = ("cell", "scored")
"""The kinds of runs that hold numbers of their own."""
TRAINING = "training"
"""The kind of a training's run (`training_runs`) that no publication has completed yet."""
WRITTEN = ("FINISHED", "FAILED")
"""The states of a cell's run that is complete."""


@dataclass(frozen=True)
class Runs:
    """What an experiment holds. `models`: by name; `cells`: by hash, with what was scored from files; `trainings`:
    those that ended and are not completed, by `training_name`."""

    models: dict[str, Run]
    cells: dict[str, Run]
    trainings: dict[str, list[Run]]


def read(client: MlflowClient, experiment: str) -> Runs:
    """The runs of an experiment, each cell and model once.

    A cell whose writing was interrupted is deleted, to be written again. Of runs that are there more than once, as two
    publications at once left them, the oldest stays.
    """
    models: dict[str, list[Run]] = {}
    cells: dict[str, list[Run]] = {}
    trainings: dict[str, list[Run]] = {}
    for run in search(client, experiment):
        tags, kind = run.data.tags, run.data.tags.get("kind")
        if kind == "model" and "model" in tags:
            models.setdefault(tags["model"], []).append(run)
        elif kind in CHILDREN and run.info.status in WRITTEN:
            cells.setdefault(tags.get("hash", ""), []).append(run)
        elif kind in CHILDREN:
            delete(client, run)
        elif kind == TRAINING and run.info.status in WRITTEN:
            trainings.setdefault(training_name(tags), []).append(run)
    return Runs(_once(client, models), _once(client, cells), trainings)


def training_name(tags: Mapping[str, str]) -> str:
    """What a training's run is found by: its cell, a hash of its settings, and a hash of its curve."""
    return " ".join(tags.get(key, "") for key in ("cell", "config", "curve"))


def current(client: MlflowClient, experiment: str) -> Counter[str]:
    """How often each current run is there, named as in `entry.run_names`."""
    found: Counter[str] = Counter()
    for run in search(client, experiment, "tags.current = 'true'"):
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
    for run in search(client, experiment, view=ViewType.DELETED_ONLY) if models or cells else ():
        tags = run.data.tags
        if tags.get("kind") == "model" and tags.get("model") in models:
            found.setdefault(f"model {tags['model']}", []).append(run)
        elif tags.get("kind") in CHILDREN and tags.get("hash") in cells and run.info.status in WRITTEN:
            found.setdefault(tags["hash"], []).append(run)
    for runs in found.values():
        client.restore_run(min(runs, key=_age).info.run_id)
    return len(found)


def set_tags(client: MlflowClient, run: Run, tags: Mapping[str, str]) -> None:
    """Set what differs."""
    changed = [RunTag(key, value) for key, value in limits.tags(tags).items() if run.data.tags.get(key) != value]
    if changed:
        client.log_batch(run.info.run_id, tags=changed)


def search(client: MlflowClient, experiment: str, only: str = "", view: int = ViewType.ACTIVE_ONLY) -> Iterator[Run]:
    """All runs of an experiment that mlflow's filter `only` lets through, page by page."""
    token = None
    while True:
        page = client.search_runs([experiment], only, view, max_results=1000, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def delete(client: MlflowClient, run: Run) -> None:
    """Delete a run and its models, which MLflow can undo."""
    own = f"source_run_id = '{run.info.run_id}'"
    for model in client.search_logged_models([run.info.experiment_id], filter_string=own):
        client.delete_logged_model(model.model_id)
    client.delete_run(run.info.run_id)


def _once(client: MlflowClient, found: Mapping[str, list[Run]]) -> dict[str, Run]:
    """The oldest run of each name; the others are deleted."""
    for runs in found.values():
        runs.sort(key=_age)
        for run in runs[1:]:
            delete(client, run)
    return {name: runs[0] for name, runs in found.items()}


def _age(run: Run) -> tuple[int, str]:
    return run.info.start_time, run.info.run_id
