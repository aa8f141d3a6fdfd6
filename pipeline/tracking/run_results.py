"""The numbers of a run of MLflow as a result set, to be compared with another one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from pipeline.errors import UserError
from pipeline.history.result_set import Key, Numbers, ResultSet
from pipeline.results.protocol import Protocol
from pipeline.tracking import limits, mlflow_runs, mlflow_store
from pipeline.tracking.address import shown
from pipeline.tracking.publication import DEFINITION


def read(address: str, run_id: str) -> ResultSet:
    """The numbers of a cell's run, or of the current seeds of a model's run.

    A number whose protocol is not defined in the experiment's tags, or whose tags are damaged, is left out.

    Raises:
        UserError: the store cannot be used, or holds no such run of `publish`.
    """
    with mlflow_store.opened(address) as client:
        run = _run(client, address, run_id)
        experiment = client.get_experiment(run.info.experiment_id)
        seeds = f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{run_id}' AND tags.current = 'true'"
        is_model = run.data.tags["kind"] == "model"
        cells = list(mlflow_runs.search(client, experiment.experiment_id, seeds)) if is_model else [run]
    numbers: dict[Key, Numbers] = {}
    for cell in cells:
        _add(numbers, cell, _definitions(experiment.tags))
    return ResultSet(run_id, numbers)


def _run(client: MlflowClient, address: str, run_id: str) -> Run:
    try:
        run = client.get_run(run_id)
    except MlflowException as error:
        raise UserError(f"run {run_id} is not in MLflow at {shown(address)}; see: mlflow ui") from error
    if run.data.tags.get("kind") not in ("model", *mlflow_runs.CHILDREN) or "task" not in run.data.tags:
        raise UserError(f"run {run_id} of MLflow at {shown(address)} is none that coverseek publish wrote")
    return run


def _definitions(tags: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Protocol id -> its fields, and the metric's direction."""
    found = {k.removeprefix(DEFINITION): limits.read_object(v) for k, v in tags.items() if k.startswith(DEFINITION)}
    return {id_: fields for id_, fields in found.items() if fields and fields.keys() >= {"better", *Protocol._fields}}


def _add(numbers: dict[Key, Numbers], run: Run, definitions: Mapping[str, Mapping[str, Any]]) -> None:
    tags = run.data.tags
    ids = limits.read_object(tags.get("protocols", "")) or {}
    seed = tags.get("seed", "")
    for metric, value in run.data.metrics.items():
        fields = definitions.get(str(ids.get(metric)))
        if fields and seed.isdecimal():
            protocol = Protocol(*(fields[name] for name in Protocol._fields))
            key = Key(tags.get("task", ""), tags.get("model", ""), metric)
            numbers.setdefault(key, Numbers(fields["better"], protocol)).seeds[int(seed)] = value
