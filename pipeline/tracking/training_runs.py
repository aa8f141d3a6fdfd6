"""The runs of trainings that are going on; each becomes its cell's run when `publish` completes it.

A run is tagged `kind: training` and with its cell, a hash of its settings and, once it ended, a hash of its curve. A
run that is still open when its program ends, or when the next one starts, is set to KILLED.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric

from pipeline.paths import Cell
from pipeline.tracking import limits, mlflow_store
from pipeline.tracking.cell_run import log_metrics, log_params
from pipeline.tracking.dvc_lock import digest
from pipeline.tracking.mlflow_runs import TRAINING
from pipeline.tracking.run_record import SETTINGS, LoggedPoint, config_digest, curve_digest, flat


@dataclass
class _Training:
    run: str
    points: list[LoggedPoint] = field(default_factory=list)


class TrainingRuns:
    """The open runs of one program, by the live file of each training."""

    def __init__(self, client: MlflowClient, address: str) -> None:
        self._client, self._address = client, address
        self._experiments = {task: of.experiment_id for task, of in mlflow_store.experiments(client).items()}
        self._workspace = digest([platform.node(), str(Path.cwd())])
        self._open: dict[Path, _Training] = {}

    def log(self, path: Path, lines: Sequence[dict[str, Any]]) -> None:
        """Log new lines of a live file, as `training.curve_logger` writes them."""
        metrics: list[Metric] = []
        for line in lines:
            if path not in self._open:
                self._open[path] = _Training(self._create(line))
            elif "values" in line:
                metrics += self._metrics(self._open[path], line)
        log_metrics(self._client, self._open[path].run, metrics)
        if lines[-1].get("end"):
            training = self._open.pop(path)
            self._client.set_tag(training.run, "curve", curve_digest(training.points))
            self._client.set_terminated(training.run)

    def kill_abandoned(self) -> None:
        """Set the open runs of earlier programs in this folder to KILLED; one program at a time trains here."""
        only = f"tags.kind = '{TRAINING}' AND tags.workspace = '{self._workspace}' AND attributes.status = 'RUNNING'"
        for run in self._client.search_runs(list(self._experiments.values()), only) if self._experiments else ():
            self._client.set_terminated(run.info.run_id, "KILLED")

    def kill(self) -> None:
        """Set the runs that are open to KILLED."""
        for training in self._open.values():
            self._client.set_terminated(training.run, "KILLED")
        self._open.clear()

    def _create(self, settings: dict[str, Any]) -> str:
        """The id of a new run."""
        cell = Cell(settings["task"], settings["model"], settings["seed"])
        params = flat({key: settings[key] for key in SETTINGS if key in settings})
        tags = {"kind": TRAINING, "cell": cell.key, "config": config_digest(params), "workspace": self._workspace}
        tags |= {"task": cell.task, "model": cell.model, "seed": str(cell.seed), "family": settings["family"]}
        if cell.task not in self._experiments:
            self._experiments[cell.task] = mlflow_store.create_experiment(self._client, self._address, cell.task)
        experiment = self._experiments[cell.task]
        run = self._client.create_run(experiment, settings["time"], limits.tags(tags), run_name=cell.key)
        log_params(self._client, run.info.run_id, params)
        return str(run.info.run_id)

    def _metrics(self, training: _Training, line: dict[str, Any]) -> Iterator[Metric]:
        for key, value in line["values"].items():
            point = LoggedPoint(key, line["step"], float(f"{value:.6g}"))
            training.points.append(point)
            yield Metric(limits.key(key), point.value, line["time"], point.step)


@contextmanager
def opened(address: str) -> Iterator[TrainingRuns]:
    """The runs of a store, made if it is a sqlite file that does not exist.

    Raises:
        UserError: the store cannot be used, at any time while the block runs.
    """
    with mlflow_store.locked(address):  # two programs would make the same new file
        mlflow_store.make(address)
    with mlflow_store.opened(address, writing=True) as client:
        runs = TrainingRuns(client, address)
        runs.kill_abandoned()
        try:
            yield runs
        finally:
            runs.kill()
