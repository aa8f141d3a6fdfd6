"""A run that was deleted in MLflow is noticed by publish and doctor, and comes back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from pipeline.doctor import surroundings
from pipeline.paths import Cell
from pipeline.stages import publish
from pipeline.tracking import mlflow_runs, mlflow_store
from pipeline.tracking.publication import RUNS

if TYPE_CHECKING:
    from tests.tracking.conftest import Tree

VAE = Cell("toy", "vae", 0)


def of_toy(client: MlflowClient) -> mlflow_runs.Runs:
    return mlflow_runs.read(client, mlflow_store.experiments(client)["toy"].experiment_id)


def cell(client: MlflowClient, key: Cell) -> Run:
    (run,) = (run for run in of_toy(client).cells.values() if _is(run, key))
    return run


def _is(run: Run, key: Cell) -> bool:
    return run.info.run_name == key.key and run.data.tags["current"] == "true"


def gone(client: MlflowClient) -> None:
    client.delete_run(cell(client, VAE).info.run_id)


def gone_for_good(client: MlflowClient) -> None:
    """As `mlflow gc` leaves it."""
    run = cell(client, VAE).info.run_id
    client.delete_run(run)
    with sqlite3.connect("mlflow.db") as database:
        for table in ("tags", "params", "metrics", "latest_metrics", "runs"):
            database.execute(f"DELETE FROM {table} WHERE run_uuid = ?", (run,))


def parent_gone(client: MlflowClient) -> None:
    client.delete_run(of_toy(client).models["vae"].info.run_id)


@pytest.mark.parametrize("delete", [gone, gone_for_good, parent_gone])
def test_it_comes_back(
    published: MlflowClient, delete: Callable[[MlflowClient], None], capsys: pytest.CaptureFixture[str]
) -> None:
    before = {run.info.run_id for run in [*of_toy(published).cells.values(), *of_toy(published).models.values()]}
    delete(published)
    finding = surroundings._store()
    assert (finding.level, finding.remedy) == ("fault", "coverseek publish")
    assert "1 run (toy) is deleted in MLflow" in finding.detail
    publish.main()
    printed = capsys.readouterr()
    assert printed.err == ""
    assert ("1 new runs" if delete is gone_for_good else "1 restored that MLflow had deleted") in printed.out
    after = {run.info.run_id for run in [*of_toy(published).cells.values(), *of_toy(published).models.values()]}
    assert (after == before) == (delete is not gone_for_good)
    assert len(after) == len(before)
    assert surroundings._store().level == "ok"
    publish.main()
    assert "nothing new" in capsys.readouterr().out


def test_what_is_history_and_was_deleted_stays_deleted(published: MlflowClient, tree: Tree) -> None:
    old = cell(published, VAE).info.run_id
    tree.cell(VAE, "vae", 3.0, version="2")
    publish.main()
    published.delete_run(old)
    assert surroundings._store().level == "ok"
    publish.main()
    assert published.get_run(old).info.lifecycle_stage == "deleted"


def test_a_store_of_an_older_version_is_published_once_more(
    published: MlflowClient, capsys: pytest.CaptureFixture[str]
) -> None:
    with sqlite3.connect("mlflow.db") as database:
        database.execute("DELETE FROM experiment_tags WHERE key = ?", (RUNS,))
    assert surroundings._store().level == "ok"
    publish.main()
    assert "nothing new" in capsys.readouterr().out
    published.delete_run(cell(published, VAE).info.run_id)
    assert surroundings._store().level == "fault"
