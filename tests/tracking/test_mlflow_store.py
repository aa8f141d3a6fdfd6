"""The edge: no telemetry, a store that cannot be used is one line, and none is ever left half made."""

from __future__ import annotations

import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mlflow import MlflowClient

from pipeline.errors import UserError
from pipeline.tracking import address, mlflow_store, publication

if TYPE_CHECKING:
    from tests.tracking.conftest import Tree

WATCH = """
import importlib, os, pkgutil, sys
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "mlflow":
            print(os.environ.get("MLFLOW_DISABLE_TELEMETRY"))
            os._exit(0)
sys.meta_path.insert(0, Watch())
importlib.import_module(sys.argv[1])
"""


MODULES = ["mlflow_store", "cell_run", "champion", "publication", "run_results", "training_runs"]


@pytest.mark.parametrize("module", MODULES)
def test_telemetry_is_off_before_mlflow_is_imported(module: str) -> None:
    command = [sys.executable, "-c", WATCH, f"pipeline.tracking.{module}"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "true\n"


def test_a_server_that_does_not_answer_is_one_line_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(UserError, match=r"http://127\.0\.0\.1:9 .*start its server") as caught:
        publication.publish(address.uri(), {}, {})
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_damaged_store_is_named_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mlflow.db"
    path.write_text("no database" * 100)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{path}")
    with pytest.raises(UserError, match=r"restore it from a backup, or rename it"), opened():
        pass


def test_a_store_whose_making_is_interrupted_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(address: str) -> None:
        Path(address.removeprefix("sqlite:///")).write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.setattr(mlflow_store, "MlflowClient", interrupted)
    with pytest.raises(KeyboardInterrupt), opened():
        pass
    assert not list(tmp_path.iterdir())


def test_reading_makes_no_store(tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match="coverseek publish"),
        mlflow_store.opened(address.sqlite(tmp_path / "mlflow.db")),
    ):
        pass
    assert not list(tmp_path.iterdir())


def test_the_store_is_here_unless_the_environment_says_otherwise(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://server")
    assert address.uri() == "http://server"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    assert address.uri() == f"sqlite:///{Path.cwd()}/mlflow.db"


def opened() -> AbstractContextManager[MlflowClient]:
    return mlflow_store.opened(address.uri(), writing=True)
