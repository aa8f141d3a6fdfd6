"""Bring a store up to date: write the runs that are missing, tag those that are no longer current, crown the champions.

A task whose experiment carries its fingerprint is done. The fingerprint is taken away before a task is touched and
given back at its end, so that an interrupted publish goes on where it stopped. A task of which runs were deleted in
MLflow's page is not done: they are restored, or written again. One publication at a time writes to a store
(`exclusive`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mlflow import MlflowClient
from mlflow.entities import Experiment
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from pipeline.tracking import cell, champion, definition, exclusive, ledger, model, runs, store, turn
from pipeline.tracking.entry import Entry, by_model, fingerprint, run_names
from pipeline.tracking.stored import FINGERPRINT, RUNS


class Published(NamedTuple):
    """Runs of cells that were written, that became history, and that history gave back; and runs of cells or models
    that had been deleted and were restored."""

    new: int = 0
    retired: int = 0
    revived: int = 0
    restored: int = 0


def publish(address: str, tasks: Mapping[str, Sequence[Entry]], origin: Mapping[str, str]) -> Published:
    """Publish each task's cells; a task that the store holds and `tasks` does not becomes history.

    Args:
        origin: tags that say which code and which dvc.lock this is published from.

    Raises:
        UserError: the store cannot be used.
    """
    with exclusive.file_lock(address), store.opened(address, True) as client, exclusive.marker(client, address):
        held = store.experiments(client)
        counts = []
        for task in dict.fromkeys([*tasks, *held]):
            entries, mark = tasks.get(task, ()), fingerprint(task, tasks.get(task, ()))
            if task in held and _done(client, address, held[task], mark, entries):
                continue
            experiment = held[task].experiment_id if task in held else store.create_experiment(client, address, task)
            client.set_experiment_tag(experiment, FINGERPRINT, "")
            definition.write(client, experiment, held[task].tags if task in held else {}, entries)
            counts.append(_publish_task(client, experiment, task, entries, origin))
            client.set_experiment_tag(experiment, RUNS, str(len(run_names(entries))))
            if ledger.wanted(address):
                ledger.write(client, experiment, mark)
            client.set_experiment_tag(experiment, FINGERPRINT, mark)
    return Published(*map(sum, zip(*counts, strict=True))) if counts else Published()


def _done(client: MlflowClient, address: str, experiment: Experiment, mark: str, entries: Sequence[Entry]) -> bool:
    names = run_names(entries)
    if experiment.tags.get(FINGERPRINT) != mark or experiment.tags.get(RUNS) != str(len(names)):
        return False
    if ledger.wanted(address) and ledger.holder(client, experiment) is None:
        return False
    return runs.current(client, experiment.experiment_id) == names


def _publish_task(
    client: MlflowClient, experiment: str, task: str, entries: Sequence[Entry], origin: Mapping[str, str]
) -> Published:
    restored = _restore(client, experiment, entries)
    new = _write_missing(client, experiment, task, entries, origin)
    there = runs.read(client, experiment)
    retired, revived = _tag_current(client, there, entries, origin)
    for name, group in by_model(entries).items():
        model.settle(client, there.models[name], group)
    champion.crown(client, task, champion.best(entries), there)
    return Published(new, retired, revived, restored)


def _restore(client: MlflowClient, experiment: str, entries: Sequence[Entry]) -> int:
    """How many runs of these cells and their models were deleted in MLflow and restored."""
    there = runs.read(client, experiment)
    models, cells = by_model(entries).keys() - there.models.keys(), {e.hash for e in entries} - there.cells.keys()
    return runs.restore(client, experiment, models, cells)


def _write_missing(
    client: MlflowClient, experiment: str, task: str, entries: Sequence[Entry], origin: Mapping[str, str]
) -> int:
    """How many runs of cells were written."""
    there = runs.read(client, experiment)
    for name in by_model(entries):
        if name not in there.models:
            there.models[name] = model.create(client, experiment, task, name, origin)
    missing = [entry for entry in entries if entry.hash not in there.cells]
    for entry in missing:
        cell.write(client, experiment, entry, there.models[entry.cell.model].info.run_id, origin)
    return len(missing)


def _tag_current(
    client: MlflowClient, there: runs.Runs, entries: Sequence[Entry], origin: Mapping[str, str]
) -> tuple[int, int]:
    """Tag what is history and what no longer is; the numbers of cells (retired, revived)."""
    now = {entry.hash for entry in entries}
    was = {name for name, run in there.cells.items() if run.data.tags.get("current") == "true"}
    for name in there.models.keys() - by_model(entries).keys():
        runs.tag(client, there.models[name], {"current": "false"})
    for name in was - now:
        runs.tag(client, there.cells[name], turn.tags(there.cells[name], "false", origin))
    for entry in entries:
        run, parent = there.cells[entry.hash], there.models[entry.cell.model].info.run_id
        tags = {MLFLOW_PARENT_RUN_ID: parent, "protocols": entry.ids}
        runs.tag(client, run, tags | turn.tags(run, "true", origin))
    return len(was - now), len(now - was)
