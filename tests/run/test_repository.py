"""A run and DVC's own commands in one folder: the run is refused at its start, and no cell fails for it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from dvc.lock import LockError

from pipeline.errors import UserError
from pipeline.run.dvc_repository import PATHS_IN_USE, explained

if TYPE_CHECKING:
    from tests.run.conftest import Toy

WIDER = ("gan: {family: gan, width: 1}", "gan: {family: gan, width: 2}")


@pytest.fixture
def repro(toy: Toy, coverseek: None, wait: Callable[[Callable[[], bool]], None]) -> Iterator[subprocess.Popen[bytes]]:
    """`dvc repro` in the midst of a stage."""
    toy.commands()
    toy.edit("params.yaml", *WIDER)
    toy.order("train-ring-gan-0 sleep")
    log, dvc = Path("ran.txt"), Path(sys.executable).with_name("dvc")
    with subprocess.Popen([str(dvc), "repro", "-q"], start_new_session=True) as process:
        wait(lambda: log.exists() and "train ring-gan-0" in log.read_text())
        yield process
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """The process and its children."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_a_run_beside_dvc_repro_is_refused_in_one_line_and_records_nothing(
    toy: Toy, repro: subprocess.Popen[bytes]
) -> None:
    lock, metrics = Path("dvc.lock").read_bytes(), Path("artifacts/metrics/ring-gan-0.json").read_bytes()
    with pytest.raises(UserError, match=rf"^process {repro.pid} \(dvc repro -q\) works in this folder: wait [^\n]*$"):
        toy.run()
    assert Path("dvc.lock").read_bytes() == lock
    assert Path("artifacts/metrics/ring-gan-0.json").read_bytes() == metrics


def test_a_killed_dvc_repro_stops_no_run(toy: Toy, repro: subprocess.Popen[bytes]) -> None:
    kill(repro)
    toy.order()
    assert not toy.outcomes(toy.run(), "failed")


@pytest.mark.parametrize("left", ["", "{", "[]", '{"write": {"x": {"pid": "none"}}}'])
def test_a_damaged_table_of_paths_in_use_stops_no_run(toy: Toy, left: str) -> None:
    toy.edit("params.yaml", *WIDER)
    PATHS_IN_USE.write_text(left)
    assert not toy.outcomes(toy.run(), "failed")


def test_an_entry_of_a_process_that_ended_stops_no_run(toy: Toy) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    shutil.rmtree("artifacts/train/ring-gan-0")
    entry = {"pid": ended.pid, "cmd": "dvc repro"}
    PATHS_IN_USE.write_text(json.dumps({"write": {str(Path("artifacts/train/ring-gan-0").resolve()): entry}}))
    assert toy.outcomes(toy.run(), "restored") == ["train@ring-gan-0"]


def test_a_busy_path_ends_the_run_and_is_no_fault_of_a_step() -> None:
    with pytest.raises(UserError, match="is busy"), explained():
        raise LockError("'artifacts' is busy, it is being blocked by:\n  (PID 1): dvc repro")


def test_a_second_run_is_refused(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.run import repository

    monkeypatch.setattr("dvc.lock.DEFAULT_TIMEOUT", 0)
    with repository.opened(), pytest.raises(UserError, match="wait for it"):
        toy.run()
