"""Several publications at once leave what one leaves, on a new store, on one that is there, and on a server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock
from mlflow import MlflowClient

from pipeline.errors import UserError
from pipeline.paths import Cell
from pipeline.stages import publish as stage
from pipeline.tracking import address, mlflow_runs, mlflow_store
from pipeline.tracking.publication import publish

if TYPE_CHECKING:
    from tests.tracking.conftest import Tree

VAE = Cell("toy", "vae", 0)
CELLS, MODELS, TASKS = 12, 6, 2


def publish_at_once(count: int, uri: str) -> None:
    """Each in its own process; all succeed."""
    code = "from pipeline.stages import publish; publish.main()"
    environment = os.environ | {"MLFLOW_TRACKING_URI": uri}
    publishers = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(count)
    ]
    for publisher in publishers:
        _, errors = publisher.communicate(timeout=500)
        assert publisher.returncode == 0, errors.decode()


def contents(client: MlflowClient) -> tuple[Counter[str], int]:
    """How often each current cell's hash is there, and the number of models' runs."""
    experiments = [e.experiment_id for e in client.search_experiments(filter_string="name LIKE 'coverseek/%'")]
    assert len(experiments) == TASKS
    found = client.search_runs(experiments, "tags.current = 'true'")
    hashes = Counter(run.data.tags["hash"] for run in found if run.data.tags["kind"] == "cell")
    return hashes, sum(run.data.tags["kind"] == "model" for run in found)


def check(client: MlflowClient) -> None:
    hashes, models = contents(client)
    assert set(hashes.values()) == {1}
    assert (len(hashes), models) == (CELLS, MODELS)


@pytest.mark.slow
def test_four_at_once_make_one_new_store(tree: Tree) -> None:
    uri = address.sqlite(Path("mlflow.db").resolve())
    publish_at_once(4, uri)
    check(MlflowClient(uri))


@pytest.mark.slow
def test_four_at_once_write_each_cell_once(client: MlflowClient, tree: Tree) -> None:
    uri = address.uri()
    publish_at_once(4, uri)
    check(client)
    tree.cell(VAE, "vae", 3.0, version="2")
    publish_at_once(4, uri)
    check(client)


@pytest.mark.slow
def test_four_at_once_write_each_cell_of_a_server_once(tree: Tree, server: str) -> None:
    publish_at_once(4, server)
    check(MlflowClient(server))


def test_who_waits_too_long_is_one_line(
    published: MlflowClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mlflow_store, "WAIT", 0.1)
    with FileLock("mlflow.db.lock"), pytest.raises(UserError, match=r"wait for it, then run coverseek publish again"):
        publish(address.uri(), {}, {})
    assert "waiting for it" in capsys.readouterr().err


def test_of_doubled_runs_the_oldest_stays(published: MlflowClient, tree: Tree) -> None:
    """The oldest stays."""
    experiment = mlflow_store.experiments(published)["toy"].experiment_id
    before = mlflow_runs.read(published, experiment)
    for run in [*before.cells.values(), *before.models.values()]:
        tags = {key: value for key, value in run.data.tags.items() if not key.startswith("mlflow.")}
        twin = published.create_run(experiment, tags=tags, run_name=run.info.run_name)
        published.set_terminated(twin.info.run_id)
    stage.main()
    check(published)
    after = mlflow_runs.read(published, experiment)
    assert {r.info.run_id for r in after.cells.values()} == {r.info.run_id for r in before.cells.values()}
    assert {r.info.run_id for r in after.models.values()} == {r.info.run_id for r in before.models.values()}
