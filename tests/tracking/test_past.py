"""What MLflow remembers is what was published; read from its tables or asked of it, it tells the same."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from mlflow import MlflowClient

from pipeline import paths
from pipeline.errors import UserError
from pipeline.paths import Cell
from pipeline.stages import history, publish
from pipeline.tracking import address, past, remote, tables

if TYPE_CHECKING:
    from tests.tracking.conftest import Tree


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The history of `nats` on `toy`."""
    capsys.readouterr()
    history.main("toy", "nats", history=True, form="json")
    (one,) = json.loads(capsys.readouterr().out)["history"]
    assert (one["task"], one["metric"]) == ("toy", "nats")
    return dict(one)


def raise_vae(tree: Tree, to: float = 3.0) -> None:
    for seed in (0, 1):
        tree.cell(Cell("toy", "vae", seed), "vae", to, version="2")


def test_standings_are_those_that_were_published(published: MlflowClient, capsys: pytest.CaptureFixture[str]) -> None:
    one = told(capsys)
    assert [(s["place"], s["model"], s["mean"]) for s in one["standings"]] == [(1, "flow", 2.0625), (2, "vae", 1.0625)]
    assert one["standings"][0]["protocol"]["protocol"] == "test"
    assert one["changes"] == []


def test_a_rank_that_changed_is_found_with_commit_and_cause(
    published: MlflowClient, tree: Tree, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    raise_vae(tree)
    publish.main()
    one = told(capsys)
    assert one["champions"][-1]["model"] == "vae"
    (change,) = one["changes"]
    assert {"time", "commit", "lock"} <= change.keys()
    assert [(j["model"], j["cause"]) for j in change["jumps"]] == [("vae", "model")]
    assert {(m["model"], m["before"], m["after"], m["cause"]) for m in change["moves"]} == {
        ("vae", 2, 1, "model"),
        ("flow", 1, 2, "model"),
    }


def test_other_data_is_a_change_of_protocol(
    published: MlflowClient, tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.prepare("toy", data="2")
    raise_vae(tree)
    publish.main()
    (change,) = told(capsys)["changes"]
    (jump,) = (jump for jump in change["jumps"] if jump["model"] == "vae")
    assert (jump["cause"], jump["fields"]) == ("protocol", ["split"])


def test_a_version_that_was_raised_is_published(
    published: MlflowClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pipeline.results.outcomes.version", lambda metric: 2)
    publish.main()
    assert {s["protocol"]["version"] for s in told(capsys)["standings"]} == {2}


def test_a_result_that_came_back_is_told_twice(
    published: MlflowClient, tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    raise_vae(tree)
    publish.main()
    for seed in (0, 1):
        tree.cell(Cell("toy", "vae", seed), "vae", 1 + seed / 8)
    publish.main()
    one = told(capsys)
    assert [reign["model"] for reign in one["champions"]] == ["flow", "vae", "flow"]
    assert one["standings"][1]["mean"] == 1.0625


def test_what_left_the_grid_leaves_the_standings(
    published: MlflowClient, tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.grid("[vae, flow, oracle]", "[vae, oracle]")
    publish.main()
    assert [s["model"] for s in told(capsys)["standings"]] == ["vae"]


def test_tables_and_server_tell_the_same(published: MlflowClient, tree: Tree) -> None:
    raise_vae(tree)
    publish.main()
    with tables.opened(address.uri()) as database, remote.opened(address.uri()) as server:
        mine, theirs = (list(source.runs(["toy"], ["nats"])) for source in (database, server))
        assert database.definitions().metrics == server.definitions().metrics
    assert [(run.start, run.params, run.metrics) for run in mine] == [(r.start, r.params, r.metrics) for r in theirs]
    assert all(ours.tags.items() <= run.tags.items() for ours, run in zip(mine, theirs, strict=True))


def test_reading_a_database_does_not_import_mlflow(published: MlflowClient) -> None:
    code = "import sys; from pipeline.stages import history; history.main(None, None, True, 'md')"
    command = [sys.executable, "-c", f"{code}; sys.exit('mlflow' in sys.modules or 'torch' in sys.modules)"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.startswith("**toy: nats**")


def test_what_is_not_there_gets_a_suggestion(published: MlflowClient) -> None:
    with pytest.raises(UserError, match="did you mean toy"):
        history.main("toi", None, history=False, form="table")
    with pytest.raises(UserError, match="did you mean nats"):
        history.main(None, "nat", history=False, form="table")


def test_without_a_store_it_says_what_to_run(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    with pytest.raises(UserError, match="coverseek publish"):
        past.records(address.uri())
    assert not paths.TRACKING.exists()


def test_a_store_without_ids_says_what_to_run(new_store: Callable[..., MlflowClient]) -> None:
    new_store()
    with pytest.raises(UserError, match="no number with a protocol id; run: coverseek publish"):
        past.records(address.uri())


def test_a_server_that_does_not_answer_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(UserError, match=r"http://127\.0\.0\.1:9 ") as caught:
        past.records(address.uri())
    assert "secret" not in str(caught.value)


def test_a_damaged_store_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mlflow.db").write_text("no database" * 100)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    with pytest.raises(UserError, match=r"restore it from a backup, or rename it"):
        past.records(address.uri())
