"""A store that cannot be written now is one line with a remedy that loses nothing, and the log has the rest."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mlflow import MlflowClient

from pipeline.doctor import surroundings
from pipeline.errors import UserError
from pipeline.paths import Cell
from pipeline.stages import publish
from pipeline.tracking import address, mlflow_log, mlflow_store
from pipeline.tracking.publication import status

if TYPE_CHECKING:
    from tests.tracking.conftest import Tree

VAE = Cell("toy", "vae", 0)
KILLED = """
import os, sqlite3, sys
store = sqlite3.connect(sys.argv[1], isolation_level=None)
store.execute("pragma cache_size = 1")
store.execute("begin immediate")
store.execute("delete from tags")
store.executemany("insert into tags values (?, 'x', 'x')", [("x" * 200 + str(n),) for n in range(20000)])
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def changed(published: MlflowClient, tree: Tree) -> MlflowClient:
    """A client of a store that lacks one cell."""
    tree.cell(VAE, "vae", 3.0, version="2")
    return published


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Another program writes to the store."""
    real = sqlite3.connect
    with sqlite3.connect("mlflow.db", isolation_level=None) as other:
        monkeypatch.setattr(sqlite3, "connect", lambda *args, **kwargs: real(*args, **{**kwargs, "timeout": 0.05}))
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")
    other.close()


def journal(path: str = "mlflow.db") -> None:
    """Leave what a publication that is killed while it writes leaves."""
    subprocess.run([sys.executable, "-c", KILLED, path], check=False)
    assert mlflow_store.is_interrupted(Path(path))


def test_another_writer_is_waited_for(
    changed: MlflowClient, capfd: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    before = Path("mlflow.db").read_bytes()
    request.getfixturevalue("busy")
    finding = surroundings._store()
    assert (finding.level, finding.remedy) == ("warning", "wait, then run coverseek publish again")
    for act in (publish.main, lambda: status(address.uri())):
        with pytest.raises(
            UserError, match=r"another program is writing to it; wait, then run coverseek publish again"
        ):
            act()
    assert Path("mlflow.db").read_bytes() == before
    assert capfd.readouterr().err == ""


def test_the_errors_of_other_libraries_are_in_the_log_alone(
    changed: MlflowClient, capfd: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    """A lock that is taken while a publication is under way."""

    def write() -> None:
        with mlflow_store.opened(address.uri()) as client:
            request.getfixturevalue("busy")
            client.create_experiment("coverseek/other")

    with pytest.raises(UserError, match="another program is writing to it"):
        write()
    assert capfd.readouterr().err == ""
    assert "database is locked" in mlflow_log.FILE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("said", "fault", "advice"),
    [
        ("attempt to write a readonly database", "cannot be written", "allow writing to it"),
        ("database or disk is full", "the disk is full", "free some space"),
        ("unable to open database file", "cannot be opened", "check that its folder exists"),
        ("database disk image is malformed", "damaged", "restore it from a backup, or rename it"),
        (
            "Detected out-of-date database schema (found version 1)",
            "another version of MLflow",
            "copy it, then run: mlflow db",
        ),
    ],
)
def test_each_fault_has_its_remedy(
    changed: MlflowClient, said: str, fault: str, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError(said)

    monkeypatch.setattr(MlflowClient, "create_run", fail)
    with pytest.raises(UserError, match=f"{fault}; {advice}") as caught:
        publish.main()
    assert "\n" not in str(caught.value)


def test_a_lock_file_that_cannot_be_taken_is_one_line(changed: MlflowClient) -> None:
    Path("mlflow.db.lock").mkdir()
    with pytest.raises(UserError, match=r"allow writing to the folder of mlflow\.db"):
        publish.main()


def test_publish_rolls_back_what_a_killed_publication_left(
    changed: MlflowClient, capsys: pytest.CaptureFixture[str]
) -> None:
    journal()
    publish.main()
    assert "an earlier publication was interrupted" in capsys.readouterr().out
    assert not mlflow_store.is_interrupted(Path("mlflow.db"))
    assert status(address.uri())["toy"] == (0, 0)


def test_doctor_rolls_back_what_a_killed_publication_left(published: MlflowClient) -> None:
    held = status(address.uri())
    journal()
    for name in ("mlflow.db", "mlflow.db-journal"):
        shutil.copy(name, f"copy-{name}")
    finding = surroundings._store()
    assert (finding.level, finding.remedy) == ("warning", "coverseek publish")
    assert "interrupted" in finding.detail
    assert status(address.uri()) == held
    assert surroundings._store().level == "ok"


def test_nothing_is_new_after_a_killed_publication_of_nothing(
    published: MlflowClient, capsys: pytest.CaptureFixture[str]
) -> None:
    journal()
    publish.main()
    printed = capsys.readouterr().out
    assert "interrupted" in printed
    assert "nothing new" in printed
