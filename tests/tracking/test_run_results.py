"""Runs of MLflow in a comparison: a model's run has the numbers of its current seeds, a cell's its own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mlflow import MlflowClient

from pipeline.errors import UserError
from pipeline.history.result_set import Key
from pipeline.stages.compare import main, read


def run_of(client: MlflowClient, name: str) -> str:
    experiments = [e.experiment_id for e in client.search_experiments(filter_string="name LIKE 'coverseek/%'")]
    (run,) = client.search_runs(experiments, f"attributes.run_name = '{name}'")
    return str(run.info.run_id)


def test_a_models_run_has_all_of_its_seeds(published: MlflowClient) -> None:
    side = read(run_of(published, "toy-vae"))
    assert side.numbers[Key("toy", "vae", "nats")].seeds == {0: 1.0, 1: 1.125}
    alone = read(run_of(published, "toy-vae-1"))
    assert alone.numbers[Key("toy", "vae", "nats")].seeds == {1: 1.125}


def test_two_models_runs_are_set_against_each_other(
    published: MlflowClient, capsys: pytest.CaptureFixture[str]
) -> None:
    main(run_of(published, "toy-vae"), run_of(published, "toy-flow"), None, "nats", "json")
    content: dict[str, Any] = json.loads(capsys.readouterr().out)
    (one,) = content["compared"]  # both seeds differ by the same amount: there is no spread
    assert (one["model"], one["before"], one["after"], one["verdict"]) == ("vae → flow", 1.125, 2.125, "unknown")


def test_a_run_that_is_not_there_is_named(published: MlflowClient) -> None:
    with pytest.raises(UserError, match=f"run {'0' * 32} is not in MLflow"):
        read("0" * 32)
