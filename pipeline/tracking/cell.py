"""One run for each cell: its parameters, metrics, curve and model. It is written once and then only tagged.

What was scored from files has a run of another kind: without a model, and not told among the cells.

Weights stay with DVC: the logged model is an external one, and its tags say where DVC keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelOutput, Metric, Param, Run
from mlflow.utils.mlflow_tags import MLFLOW_MODEL_IS_EXTERNAL, MLFLOW_PARENT_RUN_ID

from pipeline import paths
from pipeline.tracking import limits
from pipeline.tracking.entry import Entry, curve

BATCH = 800  # of the 1000 metrics that mlflow takes at once
LONG = "long_values.json"
"""The artifact with the values that are longer than MLflow's limits, where there are any."""


def write(client: MlflowClient, experiment: str, entry: Entry, parent: str, origin: Mapping[str, str]) -> None:
    """Write the run of `entry`; only its end makes it count, so that an interrupted one is known as such.

    Args:
        parent: the run of the cell's model.
        origin: tags that say which code and which dvc.lock this was published from.
    """
    tags = {**origin, **_tags(entry), MLFLOW_PARENT_RUN_ID: parent}
    run = client.create_run(experiment, run_name=entry.cell.key, tags=limits.tags(tags))
    if long := limits.cut(tags, limits.TAG) | limits.cut(entry.params, limits.PARAM):
        client.log_dict(run.info.run_id, long, LONG)
    _log_data(client, run, entry)
    model = _log_model(client, run, entry, origin) if entry.ok and not entry.external else None
    _log_numbers(client, run, entry, model)
    client.set_terminated(run.info.run_id, "FINISHED" if entry.ok else "FAILED")


def _tags(entry: Entry) -> dict[str, str]:
    outcome, cell = entry.outcome, entry.cell
    tags = {"kind": "scored" if entry.external else "cell", "trust": outcome.trust}
    tags |= {"hash": entry.hash, "current": "true", "status": outcome.status, "suite": outcome.suite}
    tags |= {"family": outcome.family, "task": cell.task, "model": cell.model, "seed": str(cell.seed)}
    tags["protocols"] = entry.ids
    if outcome.diverged:
        tags["diverged"] = f"step {outcome.diverged.step}, player {outcome.diverged.player}"
    if outcome.hardware:
        tags["hardware"] = limits.as_json(dict(sorted(outcome.hardware.items())))
    return tags


def _log_data(client: MlflowClient, run: Run, entry: Entry) -> None:
    if entry.data:
        source = paths.prepared(entry.cell.task).as_posix()
        dataset = Dataset(entry.cell.task, _digest(entry.data), "local", source)
        client.log_inputs(run.info.run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "test")])])


def _log_model(client: MlflowClient, run: Run, entry: Entry, origin: Mapping[str, str]) -> str:
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


def _log_numbers(client: MlflowClient, run: Run, entry: Entry, model: str | None) -> None:
    identity, time = run.info.run_id, run.info.start_time
    data = {"dataset_name": entry.cell.task, "dataset_digest": _digest(entry.data)} if entry.data else {}
    measured = entry.outcome.metrics.items()
    numbers = [Metric(name, m.value, time, 0, model_id=model, run_id=identity, **data) for name, m in measured]
    if entry.outcome.status != "failed":
        numbers += [Metric(limits.key(point.key), point.value, time, point.step) for point in curve(entry.cell)]
    params = [Param(key, value) for key, value in limits.params(entry.params).items()]
    for start in range(0, len(params), limits.PARAMS):
        client.log_batch(identity, params=params[start : start + limits.PARAMS])
    for start in range(0, len(numbers), BATCH):
        client.log_batch(identity, numbers[start : start + BATCH])


def _digest(md5: str) -> str:
    """DVC's hash of a folder, without the ending that says that it is one."""
    return md5.removesuffix(".dir")
