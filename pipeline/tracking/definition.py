"""What the protocol ids on a task's numbers stand for: tags of its experiment, each written once and never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlflow import MlflowClient

from pipeline.tracking import limits
from pipeline.tracking.entry import Entry
from pipeline.tracking.stored import DEFINITION


def write(client: MlflowClient, experiment: str, known: Mapping[str, str], entries: Sequence[Entry]) -> None:
    """Add those that `known`, the experiment's tags, does not hold or holds damaged."""
    wanted = {
        protocol.id: protocol._asdict() | {"better": entry.outcome.metrics[metric].better}
        for entry in entries
        for metric, protocol in entry.protocols.items()
    }
    for identity, definition in wanted.items():
        if limits.read_object(known.get(DEFINITION + identity, "")) is None:
            encoded = limits.as_json(definition, limits.EXPERIMENT_TAG)
            client.set_experiment_tag(experiment, DEFINITION + identity, encoded)
