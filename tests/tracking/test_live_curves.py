"""A training is a run of MLflow while it goes on, and the cell's run once it is published; MLflow never stops it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from pipeline import files, paths
from pipeline.contract import Loss
from pipeline.paths import Cell
from pipeline.stages import publish
from pipeline.tracking import address, live_curves, mlflow_log, mlflow_runs, mlflow_store, training_runs
from pipeline.training.curve_logger import CurveLogger

if TYPE_CHECKING:
    from tests.tracking.conftest import Tree

VAE = Cell("toy", "vae", 0)
STEPS = (1, 5, 10)
CELLS = 12


def logger(cell: Cell = VAE) -> CurveLogger:
    """Of a training with the settings of `Tree.write`."""
    known = {"task": cell.task, "model": cell.model, "seed": cell.seed, "family": "vae", "recipe": cell.model}
    return CurveLogger(paths.live_curve(cell), known | {"hyper": {"width": 8}, "training": {"steps": 10}})


def train(curve: CurveLogger, cell: Cell = VAE) -> None:
    """The curve of `Tree.write`, to the end."""
    for step in STEPS:
        curve.add(step, "model", "nll", 5 / step)
    curve.write(paths.curve(cell))


def trainings(client: MlflowClient, kind: str = mlflow_runs.TRAINING) -> list[Run]:
    held = [experiment.experiment_id for experiment in mlflow_store.experiments(client).values()]
    return list(client.search_runs(held, f"tags.kind = '{kind}'")) if held else []


def wait_for_run(client: MlflowClient, metrics: int = 0) -> Run:
    """The only run of a training, once it has so many metrics."""
    for _ in range(200):
        found = trainings(client)
        if found and len(found[0].data.metrics) >= metrics:
            return found[0]
        time.sleep(0.1)
    raise AssertionError("no training appeared")


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_curves, "INTERVAL", 0.05)


@pytest.fixture
def trained(client: MlflowClient) -> Run:
    """The run of a training that was followed to its end."""
    with live_curves.tracked(True):
        train(logger())
        wait_for_run(client)
    (run,) = trainings(client)
    return run


def test_a_curve_appears_while_the_training_goes_on(client: MlflowClient) -> None:
    with live_curves.tracked(True):
        curve = logger()
        curve.record("model", Loss(_tensor(5.0), {"nll": _tensor(5.0)}))
        curve.flush(1)
        run = wait_for_run(client, metrics=1)
        assert run.info.status == "RUNNING"
        assert run.info.run_name == VAE.key
        assert run.data.params == {"recipe": "vae", "hyper.width": "8", "training.steps": "10", "seed": "0"}
        assert [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, "model/nll")] == [(1, 5.0)]
        curve.write(paths.curve(VAE))
    assert trainings(client)[0].info.status == "FINISHED"


def test_publish_completes_the_run_of_a_training(trained: Run, client: MlflowClient) -> None:
    publish.main()
    assert not trainings(client)
    cells = trainings(client, "cell")
    assert len(cells) == CELLS
    (run,) = (run for run in cells if run.info.run_name == VAE.key)
    assert run.info.run_id == trained.info.run_id
    assert (run.info.status, run.data.tags["current"], run.data.metrics["nats"]) == ("FINISHED", "true", 1.0)
    assert run.info.end_time == trained.info.end_time
    points = [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, "model/nll")]
    assert points == [(step, 5 / step) for step in STEPS]
    assert len(client.search_logged_models([run.info.experiment_id], f"source_run_id = '{run.info.run_id}'")) == 1


def test_the_run_of_another_training_of_the_cell_is_not_completed(client: MlflowClient, tree: Tree) -> None:
    with live_curves.tracked(True):
        curve = logger()
        curve.add(1, "model", "nll", 99.0)
        curve.write(Path("other.csv"))
        wait_for_run(client)
    publish.main()
    (other,) = trainings(client)
    assert other.info.run_id not in {run.info.run_id for run in trainings(client, "cell")}
    assert len(trainings(client, "cell")) == CELLS


def test_the_same_training_again_leaves_one_run(published: MlflowClient, capsys: pytest.CaptureFixture[str]) -> None:
    before = {run.info.run_id for run in trainings(published, "cell")}
    with live_curves.tracked(True):
        train(logger())
        wait_for_run(published)
    publish.main()
    assert {run.info.run_id for run in trainings(published, "cell")} == before
    assert not trainings(published)
    publish.main()
    assert capsys.readouterr().out.count("nothing new") >= 1


def test_a_training_without_an_end_is_killed_with_its_program(client: MlflowClient) -> None:
    with live_curves.tracked(True):
        logger().add(1, "model", "nll", 1.0)
        wait_for_run(client)
    assert [run.info.status for run in trainings(client)] == ["KILLED"]
    publish.main()
    assert len(trainings(client, "cell")) == CELLS


def test_a_run_of_a_program_that_was_killed_is_ended_by_the_next_one_in_this_folder(
    client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    settings = {"task": "toy", "model": "vae", "seed": 0, "family": "vae", "time": 1}
    for folder in (tmp_path, tmp_path / "elsewhere"):
        monkeypatch.chdir(folder)
        training_runs.TrainingRuns(client, address.uri()).log(folder / "x.jsonl", [settings])
    monkeypatch.chdir(tmp_path)
    with training_runs.opened(address.uri()):
        pass
    assert sorted(run.info.status for run in trainings(client)) == ["KILLED", "RUNNING"]


def test_files_of_earlier_programs_are_not_followed(client: MlflowClient) -> None:
    train(logger())
    time.sleep(0.05)
    with live_curves.tracked(True):
        train(logger(Cell("toy", "flow", 0)), Cell("toy", "flow", 0))
        assert wait_for_run(client).info.run_name == "toy-flow-0"
        time.sleep(0.5)
    assert len(trainings(client)) == 1


@pytest.mark.parametrize("uri", ["http://me:secret@127.0.0.1:9", "postgresql://u:secret@127.0.0.1:9/x", "://secret"])
def test_a_store_that_cannot_be_used_is_one_line_in_the_log(
    tree: Tree, uri: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr(live_curves, "PATIENCE", 60.0)
    with live_curves.tracked(True):
        train(logger())
        time.sleep(1)
    written = mlflow_log.FILE.read_text(encoding="utf-8")
    assert written.count("no curves while training") == 1
    assert "secret" not in written
    assert capfd.readouterr() == ("", "")
    assert paths.curve(VAE).exists()


def test_a_store_that_hangs_does_not_keep_a_run_from_ending(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_curves, "PATIENCE", 0.2)
    hangs, ends = threading.Event(), threading.Event()

    def log(*_: object) -> None:
        hangs.set()
        ends.wait()

    monkeypatch.setattr(live_curves, "_log", log)
    with live_curves.tracked(True):
        train(logger())
        hangs.wait()
    assert not ends.is_set()  # the block has ended, and the store hangs still
    ends.set()


def test_a_live_file_that_cannot_be_written_stops_no_training(tree: Tree) -> None:
    files.write_json(paths.LOGS / "file.json", {})
    curve = CurveLogger(paths.LOGS / "file.json" / "curve.jsonl", {})
    train(curve)
    assert len(paths.curve(VAE).read_text().splitlines()) == 1 + len(STEPS)


def test_without_trainings_mlflow_is_not_imported(tree: Tree) -> None:
    code = "import sys; from pipeline.tracking import live_curves\nwith live_curves.tracked(True): pass\n"
    code += "sys.exit('mlflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_tracking_nothing_is_written(client: MlflowClient) -> None:
    with live_curves.tracked(False):
        train(logger())
        time.sleep(0.3)
    assert not trainings(client)


@pytest.mark.slow
def test_a_server_shows_a_training_too(tree: Tree, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    client = MlflowClient(server)
    with live_curves.tracked(True):
        train(logger())
        wait_for_run(client, metrics=1)
    publish.main()
    assert not trainings(client)
    assert len(trainings(client, "cell")) == CELLS


def _tensor(value: float) -> Any:
    import torch

    return torch.tensor(value)


def test_lines_are_json(tree: Tree) -> None:
    train(logger())
    first, *rows, last = map(json.loads, paths.live_curve(VAE).read_text().splitlines())
    assert (first["task"], first["hyper"]) == ("toy", {"width": 8})
    assert [(row["step"], row["values"]) for row in rows] == [(step, {"model/nll": 5 / step}) for step in STEPS]
    assert last == {"end": True}
