"""A worker tells how it ended, writes what it said to its log, and never outlives its driver."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from multiprocessing import connection
from pathlib import Path

import pytest

from pipeline.run import worker
from pipeline.run.step import Step
from pipeline.run.worker import Worker

STUB = """
import ctypes, fcntl, os, sys, time
def main(words):
    Path = __import__("pathlib").Path
    if words[1] == "speak":
        print("from python"); os.system("echo from a child"); os.write(2, b"from below\\n")
    elif words[1] == "fault":
        ctypes.string_at(0)
    elif words[1] == "refuse":
        print("coverseek: no such task", file=sys.stderr); sys.exit(2)
    elif words[1] == "stay":
        held = open("held", "w"); fcntl.flock(held, fcntl.LOCK_EX); Path("holds").touch(); time.sleep(60)
"""


def step(deed: str) -> Step:
    return Step(f"train@{deed}", ("train", deed), frozenset())


@pytest.fixture(autouse=True)
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deeds.py").write_text(STUB)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(worker, "COMMAND", "deeds:main")


@pytest.mark.parametrize(
    ("deed", "why"),
    [("speak", ""), ("fault", "killed by SIGSEGV"), ("refuse", "exit code 2: coverseek: no such task")],
)
def test_how_it_ended(deed: str, why: str) -> None:
    assert Worker(step(deed)).end() == why


def test_all_that_it_says_is_in_its_log() -> None:
    Worker(step("speak")).end()
    assert set(step("speak").log.read_text().splitlines()) == {"from python", "from a child", "from below"}


def test_it_can_be_stopped(wait: Callable[..., None]) -> None:
    stayer = Worker(step("stay"))
    wait(Path("holds").exists)
    stayer.stop()
    assert stayer.end() == "killed by SIGTERM"


@pytest.mark.parametrize("stage", ["train", "report"])
def test_it_does_not_hear_a_ctrl_c(stage: str, wait: Callable[..., None]) -> None:
    stayer = Worker(Step(f"{stage}@stay", (stage, "stay"), frozenset()))
    wait(Path("holds").exists)
    os.kill(stayer._process.pid or 0, signal.SIGINT)
    assert not connection.wait([stayer.sentinel], timeout=0.3)
    stayer.stop()


def test_it_ends_with_a_killed_driver(wait: Callable[..., None]) -> None:
    driver = """
        from pipeline.run import worker
        from pipeline.run.step import Step
        worker.COMMAND = "deeds:main"
        if __name__ == "__main__":
            worker.Worker(Step("train@stay", ("train", "stay"), frozenset())).end()
    """
    Path("driver.py").write_text(textwrap.dedent(driver))
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen([sys.executable, "driver.py"], env={**os.environ, "PYTHONPATH": f"{root}:."})
    wait(Path("holds").exists)
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait(_released)


def _released() -> bool:
    """Its lock is gone, and so is the process."""
    with Path("held").open() as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
