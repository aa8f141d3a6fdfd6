"""What was scored from files is in the store as a run of its own, with its trust, and changes no other run."""

from __future__ import annotations

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from pipeline import files
from pipeline.results import external
from pipeline.results.outcomes import Measurement
from pipeline.stages import publish


def score(name: str, nats: float = 99.0, protocol: str = "test", trust: str = "re-scored") -> None:
    metric = {"value": nats, "unit": "nats", "better": "higher", "kind": "exact", "protocol": protocol}
    known = {"task": "toy", "model": name, "family": "external", "condition": "none", "sha256": "5" * 64, "count": 64}
    record = known | {"status": "ok", "trust": trust, "metrics": {"nats": metric}}
    ids = external.protocols("toy", {"nats": Measurement.model_validate(metric)})
    files.write_json(external.path("toy", name), record | {"protocols": ids})


def runs(client: MlflowClient, current: str = "true") -> list[Run]:
    held = [e.experiment_id for e in client.search_experiments(filter_string="name LIKE 'coverseek/%'")]
    return list(client.search_runs(held, f"tags.kind = 'scored' AND tags.current = '{current}'"))


@pytest.fixture
def with_scored(published: MlflowClient) -> MlflowClient:
    """A store of a default tree, and an external model that is better than all of its models."""
    score("mine")
    publish.main()
    return published


def test_it_is_a_run_with_its_numbers_its_trust_and_the_hash_of_its_samples(with_scored: MlflowClient) -> None:
    (run,) = runs(with_scored)
    expected = {"trust": "re-scored", "family": "external", "task": "toy", "model": "mine", "status": "ok"}
    assert expected.items() <= run.data.tags.items()
    assert {"git.rev", "hash", "protocols", "mlflow.parentRunId"} <= run.data.tags.keys()
    assert run.data.metrics == {"nats": 99.0}
    assert run.data.params == {"condition": "none", "count": "64", "sha256": "5" * 64, "trust": "re-scored"}
    assert not with_scored.search_logged_models([run.info.experiment_id], f"source_run_id = '{run.info.run_id}'")


def test_a_cell_says_that_it_was_trained_here(published: MlflowClient) -> None:
    held = [e.experiment_id for e in published.search_experiments(filter_string="name LIKE 'coverseek/%'")]
    assert {run.data.tags["trust"] for run in published.search_runs(held, "tags.kind = 'cell'")} == {"re-trained"}


def test_it_is_no_champion(with_scored: MlflowClient) -> None:
    version = with_scored.get_model_version_by_alias("coverseek-toy", "champion")
    assert version.tags["cell"].startswith("toy-flow")


def test_it_is_written_once(with_scored: MlflowClient, capsys: pytest.CaptureFixture[str]) -> None:
    publish.main()
    assert "nothing new" in capsys.readouterr().out
    assert len(runs(with_scored)) == 1


def test_scored_again_removed_or_stale_it_is_history(with_scored: MlflowClient) -> None:
    score("mine", nats=98.0)
    publish.main()
    assert [run.data.metrics["nats"] for run in runs(with_scored)] == [98.0]
    assert [run.data.metrics["nats"] for run in runs(with_scored, "false")] == [99.0]
    score("mine", protocol="another extractor")
    publish.main()
    assert not runs(with_scored)
    score("mine")
    publish.main()
    assert [run.data.metrics["nats"] for run in runs(with_scored)] == [99.0]
    external.path("toy", "mine").unlink()
    publish.main()
    assert not runs(with_scored)
    assert len(runs(with_scored, "false")) == 2
