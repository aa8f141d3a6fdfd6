"""The champion of a task: the model with the best mean likelihood over its seeds, found as `models:/<name>@champion`.

Not compared are controls (the oracle would win), models of which a seed diverged or failed, models that were trained
elsewhere, and models without a likelihood. The registered version is the best seed of that model. A lower bound of the
likelihood is compared with exact values as it is. The version's tags say which metric decided, its kind, and the mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mlflow import MlflowClient
from mlflow.entities import Run

from pipeline.results.column import LIKELIHOODS
from pipeline.tracking import limits
from pipeline.tracking.mlflow_runs import Runs
from pipeline.tracking.model_run import means
from pipeline.tracking.run_record import RunRecord, by_model

ALIAS = "champion"


class Champion(NamedTuple):
    """`entry`: the best seed of the best model. `mean`: of `metric` over the model's seeds."""

    entry: RunRecord
    metric: str
    mean: float

    def tags(self) -> dict[str, str]:
        kind = self.entry.outcome.metrics[self.metric].kind
        decided = {"metric": self.metric, "kind": kind, "mean": str(self.mean)}
        return {**decided, "cell": self.entry.cell.key, "hash": self.entry.hash}


def best(entries: Sequence[RunRecord]) -> Champion | None:
    """The champion of a task; the first in the order of params.yaml where means are equal."""
    groups = by_model(entries).values()
    for metric in LIKELIHOODS:
        candidates = [group for group in groups if _is_candidate(group, metric)]
        if candidates:
            sign = 1 if candidates[0][0].outcome.metrics[metric].better == "higher" else -1
            best_group = max(candidates, key=lambda group: sign * means(group)[metric])
            seed = max(best_group, key=lambda entry: sign * entry.outcome.metrics[metric].value)
            return Champion(seed, metric, means(best_group)[metric])
    return None


def set_champion_alias(client: MlflowClient, task: str, champion: Champion | None, runs: Runs) -> None:
    """Point the alias at the champion's version, registered if it is not yet; delete it without a champion."""
    name = f"coverseek-{task}"
    registered = client.search_registered_models(f"name = '{name}'")
    if champion is None:
        if registered and ALIAS in registered[0].aliases:
            client.delete_registered_model_alias(name, ALIAS)
        return
    if not registered:
        client.create_registered_model(name)
    version = _version(client, name, runs.cells[champion.entry.hash])
    for key, value in limits.tags(champion.tags(), limits.EXPERIMENT_TAG).items():
        client.set_model_version_tag(name, version, key, value)
    client.set_registered_model_alias(name, ALIAS, version)


def _is_candidate(group: Sequence[RunRecord], metric: str) -> bool:
    first = group[0]
    excluded = first.external or first.outcome.family == "control"
    return not excluded and all(entry.ok and metric in entry.outcome.metrics for entry in group)


def _version(client: MlflowClient, name: str, run: Run) -> str:
    """The registered version of a run's model, made if it is not there."""
    for version in client.search_model_versions(f"name = '{name}'"):
        if version.run_id == run.info.run_id:
            return str(version.version)
    models = run.outputs.model_outputs if run.outputs else []
    model = models[0].model_id
    made = client.create_model_version(name, f"models:/{model}", run_id=run.info.run_id, model_id=model)
    return str(made.version)
