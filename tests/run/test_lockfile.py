"""dvc.lock survives a process that is killed while it writes, and its bytes do not depend on what was interrupted."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from pipeline import paths
from pipeline.doctor import lock_recovery
from pipeline.errors import UserError

if TYPE_CHECKING:
    from tests.run.conftest import Toy

ROOT, HERE = Path(__file__).parents[2], Path(__file__).parent
STEPS = 12
WIDER = ("gan: {family: gan, width: 1}", "gan: {family: gan, width: 2}")
BOTH = ("points: {steps: 1", "points: {steps: 2")
KILLED = -9

RUN = """
    import os, signal, sys
    from pathlib import Path
    from pipeline import files
    from pipeline.params import load
    from pipeline.run import repository, worker
    from pipeline.run.interrupt import Interrupt
    from pipeline.run.progress import Lines
    from pipeline.run.schedule import Schedule
    from pipeline.run.this_machine import ThisMachine

    worker.COMMAND, worker.PRELOAD, worker.LIGHT = "command:main", ["command"], frozenset()

    def replace(path, draft):
        if path.name == "dvc.lock" and not path.parent.name:
            if sys.argv[1] == "half written":
                draft.write_bytes(draft.read_bytes()[:1000])
            elif sys.argv[1] == "after":
                draft.replace(path)
            os.kill(os.getpid(), signal.SIGKILL)
        original(path, draft)

    if __name__ == "__main__":
        original, files._replace = files._replace, replace
        with repository.opened() as workspace:
            steps = workspace.steps(load().cells)
            Schedule(steps, workspace, ThisMachine(2), worker.warm_up).run(Interrupt(), Lines(len(steps)))
"""

REPRO = """
    import os, signal, sys
    from dvc.cli import main
    from dvc.utils.serialize import _common

    def dump(path, data, dumper, fs=None, **arguments):
        with open(path, "w+", encoding="utf-8") as file:
            if not str(path).endswith("dvc.lock"):
                return dumper(data, file, **arguments)
            import io
            text = io.StringIO()
            dumper(data, text, **arguments)
            file.write(text.getvalue()[: int(sys.argv[1])])
            file.flush()
            writes.append(path)
            if len(writes) == int(sys.argv[2]):
                os.kill(os.getpid(), signal.SIGKILL)
            file.write(text.getvalue()[int(sys.argv[1]) :])

    writes = []
    _common._dump_data = dump
    main(["repro", "-q"])
"""


def python(program: str, *words: str) -> int:
    """The exit code of a program in a process of its own."""
    path = Path("program.py")
    path.write_text(textwrap.dedent(program))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(HERE), "."))}
    done = subprocess.run(
        [sys.executable, str(path), *words], env=environment, capture_output=True, encoding="utf-8", timeout=120
    )
    path.unlink()
    assert done.returncode in (0, KILLED), done.stderr
    return done.returncode


def undisturbed(toy: Toy) -> bytes:
    """dvc.lock after a run of both edits; the run cache, the outputs and dvc.lock are as before."""
    saved = {path: path.read_bytes() for path in (paths.LOCK, paths.PARAMS)}
    toy.edit("params.yaml", *WIDER)
    toy.edit("params.yaml", *BOTH)
    toy.run()
    expected = paths.LOCK.read_bytes()
    for path, content in saved.items():
        path.write_bytes(content)
    toy.run()
    return expected


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before", "half written", "after"])
def test_a_run_that_is_killed_while_it_writes_the_lock_leaves_it_complete(toy: Toy, moment: str) -> None:
    expected, before = undisturbed(toy), paths.LOCK.read_bytes()
    toy.edit("params.yaml", *WIDER)
    toy.edit("params.yaml", *BOTH)
    assert python(RUN, moment) == KILLED
    assert paths.LOCK.read_bytes() == (expected if moment == "after" else before)
    toy.run()
    assert paths.LOCK.read_bytes() == expected


@pytest.mark.slow
@pytest.mark.usefixtures("coverseek")
@pytest.mark.parametrize(("written", "write"), [(0, 1), (0, 2), (0, 4), (500, 1), (1500, 3), (4000, 4)])
def test_entries_survive_dvc_being_killed_while_it_writes(
    toy: Toy, written: int, write: int, capfd: pytest.CaptureFixture[str]
) -> None:
    """`dvc repro` rewrites dvc.lock after each stage, and is killed once at the moment when the file is smaller."""
    expected, before = undisturbed(toy), paths.LOCK.stat().st_size
    toy.edit("params.yaml", *WIDER)
    toy.edit("params.yaml", *BOTH)
    toy.commands()
    assert python(REPRO, str(written), str(write)) == KILLED
    assert paths.LOCK.stat().st_size == written < before
    ran = [line for line in toy.commands() if line not in ("plan", "report")]
    toy.run()
    assert "dvc.lock was incomplete: restored from the copy in .dvc/tmp/coverseek/dvc.lock" in capfd.readouterr().out
    assert not set(ran) & set(toy.commands())
    assert paths.LOCK.read_bytes() == expected
    assert len(yaml.safe_load(expected)["stages"]) == STEPS


def test_the_order_of_the_lock_is_that_of_the_graph(toy: Toy) -> None:
    expected = paths.LOCK.read_bytes()
    content = yaml.safe_load(expected)
    content["stages"] = dict(reversed(content["stages"].items()))
    paths.LOCK.write_text(yaml.safe_dump(content, sort_keys=False))
    results = toy.run()
    assert len(toy.outcomes(results, "unchanged")) == STEPS
    assert paths.LOCK.read_bytes() == expected


def test_an_interrupted_first_run_ends_with_the_same_lock(toy: Toy) -> None:
    expected = paths.LOCK.read_bytes()
    paths.LOCK.unlink()
    toy.run(suite="images")
    toy.run()
    assert paths.LOCK.read_bytes() == expected


def test_the_entry_of_a_cell_outside_the_grid_stays_and_that_of_an_unknown_kind_of_stage_goes(toy: Toy) -> None:
    content = yaml.safe_load(paths.LOCK.read_text())
    old = {name: {"cmd": "coverseek train"} for name in ("train_points@ring-vae-0", "train@ring-old-0")}
    content["stages"] = {**old, **content["stages"]}
    paths.LOCK.write_text(yaml.safe_dump(content, sort_keys=False))
    toy.run()
    assert list(yaml.safe_load(paths.LOCK.read_text())["stages"])[-1] == "train@ring-old-0"


@pytest.mark.parametrize("damage", ["stages: [1, 2]\n", "{"])
def test_a_damaged_lock_is_restored_and_saved(toy: Toy, damage: str, capfd: pytest.CaptureFixture[str]) -> None:
    toy.run()
    expected = paths.LOCK.read_bytes()
    damaged = damage.encode() + expected
    paths.LOCK.write_bytes(damaged)
    results = toy.run()
    assert len(toy.outcomes(results, "unchanged")) == STEPS
    assert paths.LOCK.read_bytes() == expected
    assert lock_recovery.DAMAGED.read_bytes() == damaged
    assert capfd.readouterr().out.count("restored from the copy") == 1


def test_conflict_markers_are_for_the_user_to_resolve(toy: Toy) -> None:
    conflict = "<<<<<<< HEAD\n" + paths.LOCK.read_text()
    paths.LOCK.write_text(conflict)
    with pytest.raises(UserError, match=r"conflict markers: choose a side with `git checkout --ours dvc\.lock`"):
        toy.run()
    assert paths.LOCK.read_text() == conflict


def test_a_damaged_graph_is_left_alone(toy: Toy) -> None:
    paths.PIPELINE.write_text("{" + paths.PIPELINE.read_text())
    with pytest.raises(UserError, match=r"^dvc\.yaml, line \d+: not YAML: "):
        toy.run()


def test_without_a_copy_the_committed_lock_is_restored(toy: Toy) -> None:
    commit = ("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "results")
    subprocess.run(["git", "add", "dvc.lock"], check=True)
    subprocess.run(["git", *commit], check=True)
    expected = paths.LOCK.read_bytes()
    lock_recovery.COPY.unlink(missing_ok=True)
    paths.LOCK.write_bytes(b"")
    toy.commands()
    toy.run()
    assert paths.LOCK.read_bytes() == expected
    assert not toy.commands()


def test_without_any_version_the_run_cache_restores_the_lock(toy: Toy) -> None:
    expected = paths.LOCK.read_bytes()
    lock_recovery.COPY.unlink(missing_ok=True)
    paths.LOCK.write_bytes(expected[:300])
    toy.commands()
    toy.run()
    assert paths.LOCK.read_bytes() == expected
    assert toy.commands() == ["plan", "report"]  # of these two DVC has no run cache
