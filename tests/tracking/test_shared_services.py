"""MLflow on PostgreSQL with artifacts in S3, as compose.yaml starts it: publishers at once lose and double nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import services
import yaml
from mlflow import MlflowClient

from tests.tracking.test_concurrent_publications import check, publish_at_once

if TYPE_CHECKING:
    from tests.tracking.conftest import Tree

ROOT = Path(__file__).parents[2]
PUBLISHERS, METRICS = 4, 500
LOG = f"""
import sys
from mlflow import MlflowClient
from mlflow.entities import Metric
client = MlflowClient(sys.argv[1])
run = client.create_run("0", run_name=sys.argv[2]).info.run_id
for first in range(0, {METRICS}, 50):
    client.log_batch(run, [Metric(f"m{{k}}", k + int(sys.argv[2]) / 8, 0, 0) for k in range(first, first + 50)])
client.log_text(run, sys.argv[2], "name.txt")
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an MLflow server on PostgreSQL, whose artifacts are in a bucket."""
    folder = tmp_path_factory.mktemp("shared")
    with services.bucket() as bucket, services.postgresql() as database:
        words = ("--backend-store-uri", database, "--artifacts-destination", f"{bucket}/artifacts")
        with services.mlflow_server(folder, *words) as address:
            yield address


@pytest.mark.slow
def test_what_is_written_at_once_is_there_once(shared: str) -> None:
    words = [sys.executable, "-c", LOG, shared]
    writers = [subprocess.Popen([*words, str(number)]) for number in range(PUBLISHERS)]
    assert [writer.wait(timeout=500) for writer in writers] == [0] * PUBLISHERS
    client = MlflowClient(shared)
    runs = {run.info.run_name: run for run in client.search_runs(["0"])}
    assert sorted(runs) == [str(number) for number in range(PUBLISHERS)]
    for name, run in runs.items():
        assert run.data.metrics == {f"m{k}": k + int(name) / 8 for k in range(METRICS)}
        assert len(client.get_metric_history(run.info.run_id, "m7")) == 1
        assert Path(client.download_artifacts(run.info.run_id, "name.txt")).read_text() == name


@pytest.mark.slow
def test_publications_at_once_write_each_cell_once(shared: str, tree: Tree) -> None:
    publish_at_once(PUBLISHERS, shared)
    check(MlflowClient(shared))


def test_services_listen_on_loopback_and_take_their_passwords_from_the_environment() -> None:
    found = []
    for service in yaml.safe_load((ROOT / "compose.yaml").read_text())["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        found += [value for name, value in service["environment"].items() if re.search("PASSWORD|SECRET", name)]
    assert found
    assert all(re.fullmatch(r"\$\{\w+_PASSWORD:\?.+\}", value) for value in found)  # without a value it does not start
