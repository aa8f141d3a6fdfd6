"""The champion of a task: the model with the best mean likelihood over its seeds, found as `models:/<name>@champion`.

Controls do not compete (the oracle would win), nor does a model of which a seed diverged or failed, nor one that was
trained elsewhere, nor one that has no likelihood. The registered version is the best seed of that model. A bound
competes with exact values as it is: it can only be too modest. The version's tags say which metric decided, of which
kind, and the mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mlflow import MlflowClient
from mlflow.entities import Run

from pipeline.results.column import LIKELIHOODS
from pipeline.tracking import limits
from pipeline.tracking.entry import Entry, by_model
from pipeline.tracking.model import means
from pipeline.tracking.runs import Runs

ALIAS = "champion"


class Champion(NamedTuple):
    """`entry`: the best seed of the best model. `mean`: of `metric` over the model's seeds."""

    entry: Entry
    metric: str
    mean: float

    def tags(self) -> dict[str, str]:
        kind = self.entry.outcome.metrics[self.metric].kind
        decided = {"metric": self.metric, "kind": kind, "mean": str(self.mean)}
        return {**decided, "cell": self.entry.cell.key, "hash": self.entry.hash}


def best(entries: Sequence[Entry]) -> Champion | None:
    """Who wins a task; the first in the order of params.yaml where means are equal."""
    groups = by_model(entries).values()
    for metric in LIKELIHOODS:
        rivals = [group for group in groups if _competes(group, metric)]
        if rivals:
            sign = 1 if rivals[0][0].outcome.metrics[metric].better == "higher" else -1
            winner = max(rivals, key=lambda group: sign * means(group)[metric])
            seed = max(winner, key=lambda entry: sign * entry.outcome.metrics[metric].value)
            return Champion(seed, metric, means(winner)[metric])
    return None


def crown(client: MlflowClient, task: str, champion: Champion | None, runs: Runs) -> None:
    """Point the alias at the champion's version, registered if it is not yet; without a champion, at nothing."""
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


def _competes(group: Sequence[Entry], metric: str) -> bool:
    first = group[0]
    apart = first.external or first.outcome.family == "control"
    return not apart and all(entry.ok and metric in entry.outcome.metrics for entry in group)


def _version(client: MlflowClient, name: str, run: Run) -> str:
    """The registered version of a run's model, made if it is not there."""
    for version in client.search_model_versions(f"name = '{name}'"):
        if version.run_id == run.info.run_id:
            return str(version.version)
    models = run.outputs.model_outputs if run.outputs else []
    model = models[0].model_id
    made = client.create_model_version(name, f"models:/{model}", run_id=run.info.run_id, model_id=model)
    return str(made.version)
