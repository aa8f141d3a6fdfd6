"""SIGINT and SIGTERM end a run: what is finished is recorded, no process stays, and the exit code says so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from multiprocessing import connection
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
import yaml

from pipeline.params import load
from pipeline.run import worker
from pipeline.run.interrupt import EXIT, Interrupt
from pipeline.run.progress import Lines
from pipeline.run.step import Step
from pipeline.run.this_machine import ThisMachine

if TYPE_CHECKING:
    from tests.run.conftest import Toy

ROOT, HERE = Path(__file__).parents[2], Path(__file__).parent
BOTH = ("points: {steps: 1", "points: {steps: 2")
DRIVER = """
    import sys
    from pipeline.run import driver, worker

    worker.COMMAND, worker.PRELOAD, worker.LIGHT = "command:main", ["command"], frozenset()
    driver._checker = lambda *_: worker.warm_up

    if __name__ == "__main__":
        sys.exit(driver.main(driver.Request(), driver.Where(2), track=False))
"""


@pytest.mark.parametrize(
    ("number", "before"),
    [(signal.SIGINT, ""), (signal.SIGTERM, ""), (signal.SIGTERM, "trap '' INT;")],
    ids=["SIGINT", "SIGTERM", "SIGTERM where SIGINT is ignored, as in a background job of a shell"],
)
def test_a_signal_ends_the_run_and_its_processes_and_keeps_what_is_finished(
    toy: Toy, wait: Callable[..., None], number: signal.Signals, before: str
) -> None:
    toy.edit("params.yaml", *BOTH)
    toy.order("train-ring-gan-0 sleep")
    Path("logs/evaluate-ring-vae-0.log").unlink()
    Path("program.py").write_text(textwrap.dedent(DRIVER))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(HERE), "."))}
    program = ["sh", "-c", f"{before} exec {sys.executable} program.py"]
    with subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, encoding="utf-8") as process:
        wait(Path("logs/evaluate-ring-vae-0.log").exists)  # so train ring-vae-0 has ended, and gan's sleeps
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        process.send_signal(number)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == EXIT
    assert said.endswith("Interrupted: what is finished is recorded, the next run goes on from there.\n")
    assert "failed" not in said
    wait(lambda: not any(child.is_running() for child in children))
    locked = yaml.safe_load(Path("dvc.lock").read_text())["stages"]
    (value,) = locked["train@ring-vae-0"]["params"]["plan/parameters.json"].values()
    assert '"steps": 2' in value
    toy.order()
    toy.commands()
    toy.run()
    ran = toy.commands()
    assert "train ring-gan-0" in ran
    assert "train ring-vae-0" not in ran


def test_a_step_that_has_ended_when_the_signal_comes_is_recorded(toy: Toy) -> None:
    from pipeline.run import repository
    from pipeline.run.schedule import Schedule

    class Strike(Lines):
        """The signal comes as soon as a training has ended, and before the schedule knows of it."""

        def tick(self, running: Sequence[Step], done: int, left: float | None) -> None:
            if any(step.stage == "train" for step in running):
                connection.wait([*place.workers])
                interrupt.came = True

    interrupt, place = Interrupt(), ThisMachine(1)
    toy.edit("params.yaml", *BOTH)
    with repository.opened() as workspace:
        steps = workspace.steps(load().cells)
        schedule = Schedule(steps, workspace, place, worker.warm_up)
        results = schedule.run(interrupt, Strike(len(steps)))
    assert len(toy.outcomes(results, "ran")) == 2  # plan and the training
    toy.commands()
    toy.run()
    assert len([line for line in toy.commands() if line.startswith("train")]) == 1


def test_what_a_signal_killed_has_not_failed(toy: Toy) -> None:
    """A signal to the whole process group ends the workers too."""
    from pipeline.run import repository
    from pipeline.run.schedule import Schedule

    class Strike(Lines):
        def tick(self, running: Sequence[Step], done: int, left: float | None) -> None:
            if any(step.stage == "train" for step in running):
                for process in place.workers.values():
                    process.terminate()
                connection.wait([*place.workers])
                interrupt.came = True

    interrupt, place = Interrupt(), ThisMachine(1)
    toy.edit("params.yaml", *BOTH)
    toy.order("train-ring-gan-0 sleep", "train-ring-vae-0 sleep")
    with repository.opened() as workspace:
        steps = workspace.steps(load().cells)
        schedule = Schedule(steps, workspace, place, worker.warm_up)
        results = schedule.run(interrupt, Strike(len(steps)))
    assert not toy.outcomes(results, "failed")
