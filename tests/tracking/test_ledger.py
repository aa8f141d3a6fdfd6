"""A ledger tells what the runs beside it do, is believed only as long as it does, and is kept on servers alone."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mlflow import MlflowClient
from mlflow.entities import Experiment, Run

from pipeline.paths import Cell
from pipeline.stages import publish
from pipeline.tracking import address, kept, ledger, remote, runs, store, stored, tables
from pipeline.tracking.kept import Kept

if TYPE_CHECKING:
    from tests.tracking.conftest import Tree

VAE = Cell("toy", "vae", 0)


@pytest.fixture
def served(client: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    """A client of a store that holds all of the tree and is taken for a server."""
    monkeypatch.setattr(ledger, "wanted", lambda address: True)
    monkeypatch.setattr(stored, "held", lambda address: {})
    publish.main()
    return client


@pytest.fixture
def unasked(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From its call on, asking for runs page by page is an error."""

    def refuse(*_: object) -> None:
        raise AssertionError("the runs were asked for")

    return lambda: monkeypatch.setattr(runs, "every", refuse)


def of_toy() -> list[Kept]:
    with remote.opened(address.uri()) as server:
        return list(server.runs(["toy"], ["nats"]))


def of_tables() -> list[Kept]:
    with tables.opened(address.uri()) as database:
        return list(database.runs(["toy"], ["nats"]))


def toy(client: MlflowClient) -> Experiment:
    return store.experiments(client)["toy"]


def ledger_of_toy(client: MlflowClient) -> Run:
    (run,) = client.search_runs([toy(client).experiment_id], f"tags.kind = '{ledger.LEDGER}'")
    return run


def file_of_toy(client: MlflowClient, folder: Path) -> Path:
    return Path(client.download_artifacts(ledger_of_toy(client).info.run_id, ledger.FILE, str(folder)))


def test_a_ledger_tells_what_the_tables_do(
    served: MlflowClient, tree: Tree, unasked: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in (0, 1):
        tree.cell(Cell("toy", "vae", seed), "vae", 3.0, version="2")
    publish.main()
    unasked()
    assert of_toy() == of_tables()
    assert any(key.startswith(stored.TURN) for run in of_toy() for key in run.tags)


def test_there_is_one_ledger_however_often_it_is_written(served: MlflowClient, tree: Tree) -> None:
    tree.cell(VAE, "vae", 3.0, version="2")
    publish.main()
    assert ledger_of_toy(served)


@pytest.mark.parametrize("mark", ["", "of another publication"])
def test_a_ledger_of_another_time_is_not_believed(served: MlflowClient, mark: str, unasked: Callable[[], None]) -> None:
    served.set_experiment_tag(toy(served).experiment_id, stored.FINGERPRINT, mark)
    assert of_toy() == of_tables()
    unasked()
    with pytest.raises(AssertionError, match="asked for"):
        of_toy()


def test_a_file_of_another_publication_is_not_believed(served: MlflowClient, tree: Tree, tmp_path: Path) -> None:
    """As where each publisher has a disk of its own: the old file lies on, even when its numbers are current again."""
    old = file_of_toy(served, tmp_path)
    for nats, version in ((3.0, "2"), (1.0, "1")):
        tree.cell(VAE, "vae", nats, version)
        publish.main()
        served.log_artifact(ledger_of_toy(served).info.run_id, str(old))
        assert of_toy() == of_tables()


def test_who_asked_before_a_publication_is_told_what_is_there_after_it(served: MlflowClient, tree: Tree) -> None:
    with remote.opened(address.uri()) as server:
        tree.cell(VAE, "vae", 3.0, version="2")
        publish.main()
        assert list(server.runs(["toy"], ["nats"])) == of_tables()


def test_a_ledger_of_other_fields_is_not_believed_and_is_written_again(
    served: MlflowClient, unasked: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (ledger, tables):
        monkeypatch.setattr(module, "TAGS", (*kept.TAGS, "suite"))
    assert of_toy() == of_tables()
    publish.main()
    unasked()
    assert of_toy() == of_tables()
    assert all("suite" in run.tags for run in of_toy())


def test_without_its_run_the_runs_are_asked_until_the_next_publish(
    served: MlflowClient, unasked: Callable[[], None]
) -> None:
    served.delete_run(ledger_of_toy(served).info.run_id)
    assert of_toy() == of_tables()
    publish.main()
    unasked()
    assert of_toy() == of_tables()


def test_without_its_file_the_runs_are_asked(served: MlflowClient) -> None:
    uri = ledger_of_toy(served).info.artifact_uri
    Path(str(uri).removeprefix("file://"), ledger.FILE).unlink()
    assert of_toy() == of_tables()


def test_a_damaged_file_is_no_ledger(served: MlflowClient, tmp_path: Path) -> None:
    path = file_of_toy(served, tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:10] + b"\xff" + whole[11:])  # the first byte after gzip's header
    with pytest.raises(zlib.error):
        gzip.decompress(path.read_bytes())
    served.log_artifact(ledger_of_toy(served).info.run_id, str(path))
    assert of_toy() == of_tables()


def test_an_interrupted_ledger_is_no_run_for_ever(served: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    served.delete_run(ledger_of_toy(served).info.run_id)
    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "log_artifact", interrupted)
        with pytest.raises(KeyboardInterrupt):
            publish.main()
    assert ledger_of_toy(served).info.status == "RUNNING"
    publish.main()
    assert ledger_of_toy(served).info.status == "FINISHED"


def test_a_server_whose_ledger_is_missing_gets_it_though_nothing_is_new(
    published: MlflowClient, monkeypatch: pytest.MonkeyPatch, unasked: Callable[[], None]
) -> None:
    assert ledger.holder(published, toy(published)) is None
    monkeypatch.setattr(ledger, "wanted", lambda address: True)
    monkeypatch.setattr(stored, "held", lambda address: {})
    publish.main()
    assert ledger.holder(published, toy(published))
    unasked()
    assert of_toy()


@pytest.mark.parametrize(("address", "is_one"), [("http://host:5000", True), ("sqlite:///mlflow.db", False)])
def test_only_servers_keep_one(address: str, is_one: bool) -> None:
    assert ledger.wanted(address) is is_one
