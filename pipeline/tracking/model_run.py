"""One run for each model of a task: the parent of its cells, with the means over its seeds and the task's pictures."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean

from mlflow import MlflowClient
from mlflow.entities import Metric, Run, RunTag

from pipeline import files
from pipeline.tracking import limits
from pipeline.tracking.dvc_lock import digest
from pipeline.tracking.run_record import RunRecord, figures


def create(client: MlflowClient, experiment: str, task: str, model: str, origin: Mapping[str, str]) -> Run:
    tags = {**origin, "kind": "model", "task": task, "model": model, "current": "true"}
    return client.create_run(experiment, run_name=f"{task}-{model}", tags=limits.tags(tags))


def update(client: MlflowClient, run: Run, entries: Sequence[RunRecord]) -> None:
    """Bring a model's run up to date with its current cells."""
    status = _status(entries)
    outcome = entries[0].outcome
    tags = {"current": "true", "status": status, "family": outcome.family}
    tags |= {"seeds": _seeds(entries), "figures": _log_figures(client, run, outcome.cell.task)}
    client.log_batch(
        run.info.run_id, _changed(run, means(entries)), tags=[RunTag(*tag) for tag in limits.tags(tags).items()]
    )
    client.set_terminated(run.info.run_id, "FINISHED" if status == "ok" else "FAILED")


def means(entries: Sequence[RunRecord]) -> dict[str, float]:
    """The mean of each metric over the seeds that have it."""
    metrics = [entry.outcome.metrics for entry in entries]
    names = dict.fromkeys(name for cell in metrics for name in cell)
    return {name: fmean(cell[name].value for cell in metrics if name in cell) for name in names}


def _changed(run: Run, now: dict[str, float]) -> list[Metric]:
    """The means that changed. One that no seed has any more becomes NaN: MLflow has no way to delete a number."""
    before = run.data.metrics
    gone = {name: math.nan for name, value in before.items() if name not in now and not math.isnan(value)}
    changed = {name: value for name, value in now.items() if before.get(name) != value} | gone
    stamp = time.time_ns() // 1_000_000  # ms
    return [Metric(name, value, stamp, 0) for name, value in changed.items()]


def _log_figures(client: MlflowClient, run: Run, task: str) -> str:
    """Log the task's pictures if they changed; a hash of them."""
    pictures = figures(task)
    content = digest([files.sha256(path) for path in pictures])
    if run.data.tags.get("figures") != content:
        for path in pictures:
            client.log_artifact(run.info.run_id, str(path), "figures")
    return content


def _status(entries: Sequence[RunRecord]) -> str:
    """The worst of the seeds'."""
    found = {entry.outcome.status for entry in entries}
    return next(status for status in ("failed", "diverged", "ok") if status in found)


def _seeds(entries: Sequence[RunRecord]) -> str:
    """'2 ok, 1 diverged'"""
    return ", ".join(f"{n} {status}" for status, n in Counter(entry.outcome.status for entry in entries).items())
