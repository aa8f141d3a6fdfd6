"""One run for each cell: its parameters, metrics, curve and model. It is written once and then only tagged.

What was scored from files has a run of another kind, without a model. Weights stay with DVC: the logged model is an
external one, and its tags say where DVC has it.
"""

from __future__ import annotations

from collections.abc import Mapping

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelOutput, Metric, Param, Run
from mlflow.utils.mlflow_tags import MLFLOW_MODEL_IS_EXTERNAL, MLFLOW_PARENT_RUN_ID

from pipeline import paths
from pipeline.tracking import limits, mlflow_runs
from pipeline.tracking.run_record import RunRecord

BATCH = 800
"""Metrics in one request; mlflow takes 1,000 items at most."""
LONG = "long_values.json"
"""The artifact with the values that are longer than MLflow's limits, where there are any."""


def write(
    client: MlflowClient,
    experiment: str,
    entry: RunRecord,
    parent: str,
    origin: Mapping[str, str],
    training: Run | None,
) -> None:
    """Write the run of `entry`; only its end makes it count, so that an interrupted one is recognized.

    Args:
        parent: the run of the cell's model.
        origin: tags that say which code and which dvc.lock this is published from.
        training: the run with the curve that was written while the cell was trained, to be completed.
    """
    tags = {**origin, **_tags(entry), MLFLOW_PARENT_RUN_ID: parent}
    if training is None:
        run = client.create_run(experiment, run_name=entry.cell.key, tags=limits.tags(tags))
        log_params(client, run.info.run_id, entry.params)
        if entry.outcome.status != "failed":
            time = run.info.start_time
            log_metrics(client, run.info.run_id, [Metric(limits.key(k), v, time, step) for k, step, v in entry.curve])
    else:
        run = training
        client.update_run(run.info.run_id, status="RUNNING")
        mlflow_runs.set_tags(client, run, tags)
    if long := limits.cut(tags, limits.TAG) | limits.cut(entry.params, limits.PARAM):
        client.log_dict(run.info.run_id, long, LONG)
    _log_data(client, run, entry)
    model = _log_model(client, run, entry, origin) if entry.ok and not entry.external else None
    _log_numbers(client, run, entry, model)
    end = training.info.end_time if training else None
    client.set_terminated(run.info.run_id, "FINISHED" if entry.ok else "FAILED", end)


def log_params(client: MlflowClient, run: str, values: Mapping[str, str]) -> None:
    params = [Param(key, value) for key, value in limits.params(values).items()]
    for start in range(0, len(params), limits.PARAMS):
        client.log_batch(run, params=params[start : start + limits.PARAMS])


def log_metrics(client: MlflowClient, run: str, metrics: list[Metric]) -> None:
    for start in range(0, len(metrics), BATCH):
        client.log_batch(run, metrics[start : start + BATCH])


def _tags(entry: RunRecord) -> dict[str, str]:
    outcome, cell = entry.outcome, entry.cell
    tags = {"kind": "scored" if entry.external else "cell", "trust": outcome.trust}
    tags |= {"hash": entry.hash, "current": "true", "status": outcome.status}
    tags |= {"family": outcome.family, "task": cell.task, "model": cell.model, "seed": str(cell.seed)}
    tags["protocols"] = entry.ids
    if outcome.diverged:
        tags["diverged"] = f"step {outcome.diverged.step}, player {outcome.diverged.player}"
    if outcome.hardware:
        tags["hardware"] = limits.as_json(dict(sorted(outcome.hardware.items())))
    return tags


def _log_data(client: MlflowClient, run: Run, entry: RunRecord) -> None:
    if entry.data:
        source = paths.prepared(entry.cell.task).as_posix()
        dataset = Dataset(entry.cell.task, _digest(entry.data), "local", source)
        client.log_inputs(run.info.run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "test")])])


def _log_model(client: MlflowClient, run: Run, entry: RunRecord, origin: Mapping[str, str]) -> str:
    """The id of a new external model."""
    where = {"dvc.path": paths.trained(entry.cell).as_posix(), "dvc.md5": entry.weights or "unknown"}
    model = client.create_logged_model(
        run.info.experiment_id,
        name=entry.cell.key,
        source_run_id=run.info.run_id,
        tags=limits.tags({**origin, **where, "hash": entry.hash, MLFLOW_MODEL_IS_EXTERNAL: "true"}),
        params=limits.params(entry.params),
        model_type=entry.outcome.family,
    )
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run.info.run_id, [LoggedModelOutput(model.model_id, step=0)])
    return str(model.model_id)


def _log_numbers(client: MlflowClient, run: Run, entry: RunRecord, model: str | None) -> None:
    run_id, time = run.info.run_id, run.info.start_time
    data = {"dataset_name": entry.cell.task, "dataset_digest": _digest(entry.data)} if entry.data else {}
    measured = entry.outcome.metrics.items()
    log_metrics(
        client, run_id, [Metric(k, m.value, time, 0, model_id=model, run_id=run_id, **data) for k, m in measured]
    )


def _digest(md5: str) -> str:
    """DVC's hash of a folder, without the ending that says that it is one."""
    return md5.removesuffix(".dir")
