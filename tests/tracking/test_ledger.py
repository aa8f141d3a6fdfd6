"""A ledger tells what the runs beside it do, is believed only as long as it does, and is kept on servers alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from mlflow import MlflowClient

from pipeline.paths import Cell
from pipeline.stages import publish
from pipeline.tracking import ledger, remote, runs, store, stored, tables
from pipeline.tracking.kept import Kept

if TYPE_CHECKING:
    from tests.tracking.conftest import Tree


@pytest.fixture
def served(client: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    """A client of a store that holds all of the tree and is taken for a server."""
    monkeypatch.setattr(ledger, "wanted", lambda address: True)
    publish.main()
    return client


@pytest.fixture
def unasked(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From its call on, asking for runs page by page is an error."""

    def refuse(*_: object) -> None:
        raise AssertionError("the runs were asked for")

    return lambda: monkeypatch.setattr(runs, "every", refuse)


def of_toy() -> list[Kept]:
    with remote.opened(stored.uri()) as server:
        return list(server.runs(["toy"], ["nats"]))


def of_tables() -> list[Kept]:
    with tables.opened(stored.uri()) as database:
        return list(database.runs(["toy"], ["nats"]))


def test_a_ledger_tells_what_the_tables_do(
    served: MlflowClient, tree: Tree, unasked: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in (0, 1):
        tree.cell(Cell("toy", "vae", seed), "vae", 3.0, version="2")
    publish.main()
    unasked()
    assert of_toy() == of_tables()
    assert any(stored.TURNS in run.tags for run in of_toy())


def test_there_is_one_ledger_however_often_it_is_written(served: MlflowClient, tree: Tree) -> None:
    tree.cell(Cell("toy", "vae", 0), "vae", 3.0, version="2")
    publish.main()
    experiment = store.experiments(served)["toy"].experiment_id
    assert len(served.search_runs([experiment], f"tags.kind = '{ledger.LEDGER}'")) == 1


@pytest.mark.parametrize("mark", ["", "of another publication"])
def test_a_ledger_of_another_time_is_not_believed(served: MlflowClient, mark: str, unasked: Callable[[], None]) -> None:
    experiment = store.experiments(served)["toy"].experiment_id
    served.set_experiment_tag(experiment, stored.FINGERPRINT, mark)
    assert of_toy() == of_tables()
    unasked()
    with pytest.raises(AssertionError, match="asked for"):
        of_toy()


def test_without_its_file_the_runs_are_asked(served: MlflowClient) -> None:
    experiment = store.experiments(served)["toy"].experiment_id
    (run,) = served.search_runs([experiment], f"tags.kind = '{ledger.LEDGER}'")
    served.delete_run(run.info.run_id)
    assert of_toy() == of_tables()


def test_a_damaged_file_is_no_ledger(served: MlflowClient) -> None:
    experiment = store.experiments(served)["toy"].experiment_id
    (run,) = served.search_runs([experiment], f"tags.kind = '{ledger.LEDGER}'")
    served.log_text(run.info.run_id, "no gzip", ledger.FILE)
    assert of_toy() == of_tables()


def test_a_server_whose_ledger_is_missing_gets_it_though_nothing_is_new(
    published: MlflowClient, monkeypatch: pytest.MonkeyPatch, unasked: Callable[[], None]
) -> None:
    assert not ledger.current(store.experiments(published)["toy"])
    monkeypatch.setattr(ledger, "wanted", lambda address: True)
    monkeypatch.setattr(stored, "fingerprints", lambda address: {})
    publish.main()
    assert ledger.current(store.experiments(published)["toy"])
    unasked()
    assert of_toy()


@pytest.mark.parametrize(("address", "is_one"), [("http://host:5000", True), ("sqlite:///mlflow.db", False)])
def test_only_servers_keep_one(address: str, is_one: bool) -> None:
    assert ledger.wanted(address) is is_one
