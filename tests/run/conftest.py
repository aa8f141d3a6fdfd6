"""A toy repository: the real dvc.yaml over a small grid, with stages that write a few bytes.

The stages are those of `command.py`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path

import pytest
from configuration import params_text, suite_entry, task_entry

from pipeline import cells
from pipeline.params import load
from pipeline.run import worker
from pipeline.run.driver import Request
from pipeline.run.interrupt import Interrupt
from pipeline.run.progress import Lines
from pipeline.run.step import Outcome, Result
from pipeline.run.where import Where

ROOT = Path(__file__).parents[2]

PARAMS = params_text(
    {"ring": task_entry("ring", 8, 4, 6), "digits": task_entry("digits", 8, 4, 6)},
    points={"vae": {"family": "vae", "width": 1}, "gan": {"family": "gan", "width": 1}},
    images={"vae": {"family": "vae", "width": 1}},
    suites={
        "points": suite_entry("points", ["ring"], ["vae", "gan"]),
        "images": suite_entry("images", ["digits"], ["vae"]),
    },
    training={"steps": 1, "batch_size": 4, "learning_rate": 0.1},
    evaluation={"samples": 6, "draws": 1, "chunk": 4},
)


class Toy:
    """The repository in the current folder."""

    def edit(self, path: str, old: str, new: str) -> None:
        file = Path(path)
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new, 1))

    def order(self, *orders: str) -> None:
        """What goes wrong in the next run."""
        Path("orders").write_text("\n".join(orders))

    def run(
        self,
        jobs: int = 2,
        suite: str | None = None,
        interrupt: Interrupt | None = None,
        before: Callable[[], None] = worker.warm_up,
        force: Collection[str] = (),
        where: Where | None = None,
        show: Lines | None = None,
    ) -> dict[str, Result]:
        from pipeline.run import repository
        from pipeline.run.schedule import Schedule

        never, settings = Interrupt(), load()
        cells.write(settings)
        with repository.opened() as workspace:
            steps = workspace.steps(Request(suite).cells(settings))
            workspace.force(force)
            place = (where or Where(jobs)).place(settings, workspace.cache)
            schedule = Schedule(steps, workspace, place, before)
            return schedule.run(never if interrupt is None else interrupt, show or Lines(len(steps)))

    def commands(self) -> list[str]:
        """The commands that ran since the last call."""
        log = Path("ran.txt")
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return sorted(lines)

    def outcomes(self, results: dict[str, Result], outcome: Outcome) -> list[str]:
        return sorted(name for name, result in results.items() if result.outcome == outcome)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A toy repository in which everything ran once."""
    folder = tmp_path_factory.mktemp("finished")
    for name in (".dvc/config", ".dvcignore", ".gitignore", "dvc.yaml"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    (folder / "params.yaml").write_text(PARAMS)
    for name in ("orders", "requirements.lock"):
        (folder / name).touch()
    for family in ("vae", "gan"):
        (folder / "pipeline").mkdir(exist_ok=True)
        (folder / "pipeline" / f"{family}.py").write_text(f"FAMILY = '{family}'\n")
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    with pytest.MonkeyPatch.context() as patch:
        _enter(patch, folder)
        Toy().run()
    (folder / "ran.txt").rename(folder / "first.txt")
    return folder


@pytest.fixture
def toy(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    """A copy of the finished repository, entered."""
    shutil.copytree(finished, tmp_path / "toy")
    _enter(monkeypatch, tmp_path / "toy")
    return Toy()


def _enter(patch: pytest.MonkeyPatch, folder: Path) -> None:
    patch.chdir(folder)
    patch.syspath_prepend(str(Path(__file__).parent))
    patch.setattr(worker, "COMMAND", "command:main")
    patch.setattr(worker, "PRELOAD", ["command"])
    patch.setattr(worker, "LIGHT", frozenset())


@pytest.fixture
def coverseek(toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy's stages as a command `coverseek` for DVC."""
    script = tmp_path / "bin/coverseek"
    script.parent.mkdir()
    command = f"runpy.run_path({str(Path(__file__).with_name('command.py'))!r})"
    script.write_text(f"#!{sys.executable}\nimport runpy, sys\n{command}['main'](sys.argv[1:])\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def wait() -> Callable[[Callable[[], bool]], None]:
    """Wait until something holds, at most a minute."""

    def until(holds: Callable[[], bool]) -> None:
        end = time.monotonic() + 60
        while not holds():
            assert time.monotonic() < end, "it never came about"
            time.sleep(0.01)

    return until
