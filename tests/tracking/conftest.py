"""A small made-up benchmark on disk as its stages leave it, and an empty sqlite store, made once and copied."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from configuration import params_text, suite_entry, task_entry
from services import mlflow_server

from pipeline import files, params, paths
from pipeline.paths import Cell
from pipeline.stages import publish
from pipeline.tracking import address, mlflow_store

# isort: split
from mlflow import MlflowClient  # after pipeline.tracking, which turns telemetry off

PARAMS = params_text(
    {"toy": task_entry("ring", 9, 9, 64), "toy_wide": task_entry("ring", 9, 9, 64)},
    points={"vae": {"family": "vae", "width": 8}, "flow": {"family": "flow"}, "oracle": {"family": "control"}},
    suites={
        "points": suite_entry(
            "points", ["toy", "toy_wide"], ["vae", "flow", "oracle"], question="Who covers?", seeds=[0, 1]
        )
    },
    training={"steps": 10, "batch_size": 4, "learning_rate": 0.001},
)
NATS = {"vae": 1.0, "flow": 2.0, "oracle": 4.0}

EVENT = {"shape": [2], "levels": None}


class Tree:
    """Writes what the stages and DVC write. `version` stands for everything that a cell was made from."""

    def __init__(self) -> None:
        self.stages: dict[str, Any] = {}

    def default(self) -> None:
        paths.PARAMS.write_text(PARAMS)
        grid = params.load()
        for task in grid.tasks:
            self.prepare(task)
        for cell in grid.cells:
            self.cell(cell, grid.model("points", cell.model).family, NATS[cell.model] + cell.seed / 8)

    def prepare(self, task: str, data: str = "1") -> None:
        files.write_json(
            paths.prepared(task) / "manifest.json", {"task": task, "event": EVENT, "splits": {"test": {"sha256": data}}}
        )

    def grid(self, old: str, new: str) -> None:
        """Change params.yaml."""
        paths.PARAMS.write_text(PARAMS.replace(old, new))

    def cell(self, cell: Cell, family: str, nats: float, version: str = "1", seconds: float = 1.0) -> None:
        entry = {"value": nats, "unit": "nats", "better": "higher", "kind": "exact", "protocol": "test"}
        self.write(cell, family, {"status": "ok", "metrics": {"nats": entry}}, version, seconds)

    def diverged(self, cell: Cell, family: str) -> None:
        where = {"step": 7, "player": "model"}
        self.write(cell, family, {"status": "diverged", "diverged": where, "metrics": {}}, "diverged")

    def failed(self, cell: Cell) -> None:
        """As after a failed training: the old outs are gone, the old metrics and the old lock are still there."""
        shutil.rmtree(paths.trained(cell))
        paths.times("train", cell).unlink()

    def write(self, cell: Cell, family: str, report: Mapping[str, Any], version: str, seconds: float = 1.0) -> None:
        identity = {"task": cell.task, "model": cell.model, "seed": cell.seed, "family": family, "condition": "none"}
        files.write_json(paths.metrics(cell), {**identity, **report})
        trained = {"recipe": cell.model, "hyper": {"width": 8}, "training": {"steps": 10}, "seed": cell.seed}
        trained |= {"status": report["status"], "sha256": "weights"}
        files.write_json(paths.trained(cell) / "model.json", {**identity, **trained})
        files.write_npz(paths.samples(cell), {})
        for stage in ("train", "evaluate"):
            self._times(stage, cell, seconds)
        self._curve(cell)
        self._lock("train", cell, version, [paths.trained(cell), paths.times("train", cell)])
        self._lock("evaluate", cell, version, [paths.metrics(cell), paths.times("evaluate", cell)])

    def _times(self, stage: str, cell: Cell, seconds: float) -> None:
        entry = {"value": seconds, "unit": "s", "better": "lower", "kind": "measured", "protocol": "wall clock"}
        files.write_json(paths.times(stage, cell), {"metrics": {f"{stage}_seconds": entry}, "hardware": {"cores": 2}})

    def _curve(self, cell: Cell) -> None:
        with files.atomic_write(paths.curve(cell)) as draft, draft.open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["step", "player", "part", "value"])
            rows.writerows([[step, "model", "nll", 5 / step] for step in (1, 5, 10)])

    def _lock(self, stage: str, cell: Cell, version: str, outs: list[Path]) -> None:
        deps = [{"path": (paths.prepared(cell.task) / "manifest.json").as_posix(), "md5": "d" * 32}]
        self.stages[f"{stage}@{cell.key}"] = {
            "cmd": f"coverseek {stage}",
            "deps": deps,
            "params": {"params.yaml": {"version": version}},
            "outs": [{"path": path.as_posix(), "md5": _md5(path, version)} for path in outs],
        }
        paths.LOCK.write_text(json.dumps({"schema": "2.0", "stages": self.stages}))


def _md5(path: Path, version: str) -> str:
    content = path.read_bytes() if path.is_file() else f"{path}{version}".encode()
    return hashlib.md5(content).hexdigest()


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """mlflow makes a new sqlite store by forty migrations: seconds."""
    path = tmp_path_factory.mktemp("store") / "empty.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", "")  # opening a store sets it
        with mlflow_store.opened(_address(path), writing=True):
            return path


@pytest.fixture(scope="session")
def published_store(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that holds all of a default tree."""
    path = tmp_path_factory.mktemp("published") / "published.db"
    shutil.copy(empty_store, path)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path.parent)
        patch.setenv("MLFLOW_TRACKING_URI", _address(path))
        Tree().default()
        publish.main()
    return path


@pytest.fixture
def new_store(empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., MlflowClient]:
    """Make an empty store the one in use, and give a client of it."""

    def make(name: str = "mlflow.db", source: Path = empty_store) -> MlflowClient:
        shutil.copy(source, tmp_path / name)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", _address(tmp_path / name))
        return MlflowClient(address.uri())

    return make


@pytest.fixture
def server(tmp_path: Path, empty_store: Path) -> Iterator[str]:
    """The address of an MLflow server of an empty store."""
    (tmp_path / "served.db").write_bytes(empty_store.read_bytes())
    with mlflow_server(tmp_path, "--backend-store-uri", f"sqlite:///{tmp_path / 'served.db'}") as address:
        yield address


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """A measured benchmark in the working directory."""
    monkeypatch.chdir(tmp_path)
    tree = Tree()
    tree.default()
    return tree


@pytest.fixture
def published(tree: Tree, new_store: Callable[..., MlflowClient], published_store: Path) -> MlflowClient:
    """A client of a store in the working directory that holds all of `tree`."""
    return new_store(source=published_store)


@pytest.fixture
def client(tree: Tree, new_store: Callable[..., MlflowClient]) -> MlflowClient:
    """A client of an empty store in the working directory of `tree`."""
    return new_store()


def _address(path: Path) -> str:
    return f"sqlite:///{path.as_posix()}"
