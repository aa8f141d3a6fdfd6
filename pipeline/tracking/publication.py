"""Bring a store up to date: write the runs that are missing, tag those that are no longer current, set the champions.

A task is up to date if its experiment carries the fingerprint of what is to be there and all current runs are there.
The fingerprint is removed before a task is touched and set at its end, so that an interrupted publication is resumed
where it stopped. Runs that were deleted in MLflow are restored, or written again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mlflow import MlflowClient
from mlflow.entities import Experiment
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from pipeline.tracking import cell_run, champion, limits, mlflow_runs, mlflow_store, model_run
from pipeline.tracking.mlflow_runs import Runs
from pipeline.tracking.run_record import RunRecord, by_model, fingerprint, run_names

FINGERPRINT = "fingerprint"
RUNS = "runs"
"""The experiment's tag with the number of current runs, of cells, scored files and models, after its publication."""
DEFINITION = "protocol."
"""The prefix of the experiment's tags that define its protocol ids. Each is written once."""


class Published(NamedTuple):
    """Runs of cells that were written, are no longer current, and are current again; and runs of cells or models that
    had been deleted and were restored."""

    new: int = 0
    retired: int = 0
    revived: int = 0
    restored: int = 0


class ExperimentStatus(NamedTuple):
    """What one experiment holds. `missing`: runs that were published and are gone; `doubled`: there more than once."""

    missing: int
    doubled: int


def publish(address: str, tasks: Mapping[str, Sequence[RunRecord]], origin: Mapping[str, str]) -> Published:
    """Publish each task's cells; those of a task that the store holds and `tasks` does not are no longer current.

    Args:
        origin: tags that say which code and which dvc.lock this is published from.

    Raises:
        UserError: the store cannot be used, or another publication writes to it.
    """
    with (
        mlflow_store.locked(address),
        mlflow_store.opened(address, writing=True) as client,
        mlflow_store.registry(client),
    ):
        held = mlflow_store.experiments(client)
        counts = []
        for task in dict.fromkeys([*tasks, *held]):
            entries, mark = tasks.get(task, ()), fingerprint(task, tasks.get(task, ()))
            if task in held and _is_done(client, held[task], mark, entries):
                continue
            experiment = (
                held[task].experiment_id if task in held else mlflow_store.create_experiment(client, address, task)
            )
            client.set_experiment_tag(experiment, FINGERPRINT, "")
            _define(client, experiment, held[task].tags if task in held else {}, entries)
            counts.append(_publish_task(client, experiment, task, entries, origin))
            client.set_experiment_tag(experiment, RUNS, str(len(run_names(entries))))
            client.set_experiment_tag(experiment, FINGERPRINT, mark)
    return Published(*map(sum, zip(*counts, strict=True))) if counts else Published()


def status(address: str) -> dict[str, ExperimentStatus]:
    """Task -> what the store at `address` holds.

    Raises:
        StoreError: it cannot be used.
    """
    with mlflow_store.opened(address) as client:
        return {task: _status(client, experiment) for task, experiment in mlflow_store.experiments(client).items()}


def _status(client: MlflowClient, experiment: Experiment) -> ExperimentStatus:
    there = mlflow_runs.current(client, experiment.experiment_id)
    published = experiment.tags.get(RUNS, "0")
    missing = int(published) - len(there) if published.isdecimal() else 0
    return ExperimentStatus(max(0, missing), sum(count > 1 for count in there.values()))


def _is_done(client: MlflowClient, experiment: Experiment, mark: str, entries: Sequence[RunRecord]) -> bool:
    """Also whether no training is to be completed or deleted."""
    names = run_names(entries)
    if experiment.tags.get(FINGERPRINT) != mark or experiment.tags.get(RUNS) != str(len(names)):
        return False
    identity = experiment.experiment_id
    if mlflow_runs.current(client, identity) != names:
        return False
    cells = {entry.cell.key: entry for entry in entries}
    trainings = [run.data.tags for run in mlflow_runs.search(client, identity, f"tags.kind = '{mlflow_runs.TRAINING}'")]
    return not any(
        tags.get("cell") in cells and mlflow_runs.training_name(tags) == cells[tags["cell"]].training_name
        for tags in trainings
    )


def _define(client: MlflowClient, experiment: str, known: Mapping[str, str], entries: Sequence[RunRecord]) -> None:
    """Write the definitions of protocol ids that `known`, the experiment's tags, lacks or holds damaged."""
    wanted = {
        protocol.id: protocol._asdict() | {"better": entry.outcome.metrics[metric].better}
        for entry in entries
        for metric, protocol in entry.protocols.items()
    }
    for identity, definition in wanted.items():
        if limits.read_object(known.get(DEFINITION + identity, "")) is None:
            encoded = limits.as_json(definition, limits.EXPERIMENT_TAG)
            client.set_experiment_tag(experiment, DEFINITION + identity, encoded)


def _publish_task(
    client: MlflowClient, experiment: str, task: str, entries: Sequence[RunRecord], origin: Mapping[str, str]
) -> Published:
    there = mlflow_runs.read(client, experiment)
    models, cells = by_model(entries).keys() - there.models.keys(), {e.hash for e in entries} - there.cells.keys()
    restored = mlflow_runs.restore(client, experiment, models, cells)
    there = mlflow_runs.read(client, experiment) if restored else there
    new = _write_missing(client, experiment, task, entries, origin, there)
    there = mlflow_runs.read(client, experiment) if new else there
    retired, revived = _tag_current(client, there, entries)
    for name, group in by_model(entries).items():
        model_run.update(client, there.models[name], group)
    champion.set_champion_alias(client, task, champion.best(entries), there)
    return Published(new, retired, revived, restored)


def _write_missing(
    client: MlflowClient,
    experiment: str,
    task: str,
    entries: Sequence[RunRecord],
    origin: Mapping[str, str],
    there: Runs,
) -> int:
    """Write the models and cells that are not `there`; the number of cells.

    The run of a cell's training is completed. Where the cell's run is there, as after the same training again, the run
    of the training is deleted.
    """
    for name in by_model(entries):
        if name not in there.models:
            there.models[name] = model_run.create(client, experiment, task, name, origin)
    missing = [entry for entry in entries if entry.hash not in there.cells]
    for entry in entries:
        trainings = there.trainings.get(entry.training_name, []) if there.trainings else []
        if entry.hash not in there.cells:
            training = trainings.pop() if trainings else None
            cell_run.write(client, experiment, entry, there.models[entry.cell.model].info.run_id, origin, training)
        for run in trainings:
            mlflow_runs.delete(client, run)
    return len(missing)


def _tag_current(client: MlflowClient, there: Runs, entries: Sequence[RunRecord]) -> tuple[int, int]:
    """Tag what is current and what is not; the numbers of cells that were and that became current."""
    now = {entry.hash for entry in entries}
    before = {name for name, run in there.cells.items() if run.data.tags.get("current") == "true"}
    for name in there.models.keys() - by_model(entries).keys():
        mlflow_runs.set_tags(client, there.models[name], {"current": "false"})
    for name in before - now:
        mlflow_runs.set_tags(client, there.cells[name], {"current": "false"})
    for entry in entries:
        parent = there.models[entry.cell.model].info.run_id
        tags = {MLFLOW_PARENT_RUN_ID: parent, "protocols": entry.ids, "current": "true"}
        mlflow_runs.set_tags(client, there.cells[entry.hash], tags)
    return len(before - now), len(now - before)


def counted(tasks: Mapping[str, int]) -> str:
    """'3 runs (digits, ring) are', or nothing where no task has any."""
    names = [task for task, count in tasks.items() if count]
    total = sum(tasks.values())
    return f"{total} run{'s' * (total > 1)} ({', '.join(names)}) {'are' if total > 1 else 'is'}" if total else ""
