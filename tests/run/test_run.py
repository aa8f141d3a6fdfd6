"""What a run promises: only what is stale runs, a cell that dies takes nothing with it, nothing that ended is lost."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from pipeline.errors import UserError
from pipeline.params import load
from pipeline.run.driver import Request

if TYPE_CHECKING:
    from tests.run.conftest import Toy

STEPS = 12
GAN = ["evaluate ring-gan-0", "train ring-gan-0"]
WIDER = ("gan: {family: gan, width: 1}", "gan: {family: gan, width: 2}")
ROW = "artifacts/train/ring-gan-0"


def test_the_first_run_runs_every_command_once(toy: Toy) -> None:
    lines = Path("first.txt").read_text().splitlines()
    assert len(lines) == len(set(lines)) == STEPS
    assert (lines[0], lines[-1]) == ("plan", "report")
    assert len(Path("reports/results.csv").read_text().splitlines()) == 3


def test_nothing_changed_nothing_runs(toy: Toy) -> None:
    lock, checks = Path("dvc.lock").stat().st_mtime_ns, list[int]()
    results = toy.run(before=lambda: checks.append(1))
    assert len(toy.outcomes(results, "unchanged")) == STEPS
    assert Path("dvc.lock").stat().st_mtime_ns == lock
    assert not checks
    assert not toy.commands()


def test_dvc_agrees_that_nothing_is_left_to_do(toy: Toy) -> None:
    from dvc.repo import Repo

    with Repo() as repo:
        assert repo.status() == {}
        assert repo.reproduce() == []


def test_a_models_parameter_re_runs_its_own_cells_and_going_back_runs_none(toy: Toy) -> None:
    before = Path("dvc.lock").read_bytes()
    toy.edit("params.yaml", *WIDER)
    toy.run()
    assert toy.commands() == sorted(["plan", *GAN, "report"])
    toy.edit("params.yaml", *reversed(WIDER))
    results = toy.run()
    assert toy.outcomes(results, "restored") == ["evaluate@ring-gan-0", "train@ring-gan-0"]
    assert toy.commands() == ["plan", "report"]
    assert Path("dvc.lock").read_bytes() == before


def test_an_edit_in_a_family_re_runs_its_cells_and_a_comment_only_the_hash(toy: Toy) -> None:
    Path("pipeline/gan.py").write_text("FAMILY = 'gan'  # better words\n")
    toy.run()
    assert toy.commands() == ["plan"]
    Path("pipeline/gan.py").write_text("FAMILY = 'better gan'\n")
    toy.run()
    assert toy.commands() == sorted(["plan", *GAN])  # its numbers are the old ones: nothing new to report


def test_a_lost_output_comes_back_without_running(toy: Toy) -> None:
    shutil.rmtree(ROW)
    assert toy.outcomes(toy.run(), "restored") == ["train@ring-gan-0"]
    assert not toy.commands()


def test_a_lock_from_elsewhere_takes_the_outputs_of_the_own_cache(toy: Toy) -> None:
    """Another machine's run has the same outputs, but for the wall times."""
    lock = Path("dvc.lock")
    theirs = yaml.safe_load(lock.read_text())
    for name, stage in theirs["stages"].items():
        for out in stage["outs"]:
            if out["path"].startswith("artifacts/times"):
                out["md5"] = hashlib.md5(name.encode()).hexdigest()
    lock.write_text(yaml.safe_dump(theirs))
    results = toy.run()
    assert not toy.outcomes(results, "failed")
    assert toy.commands() in ([], ["report"])


def test_one_suite_leaves_the_other_alone(toy: Toy) -> None:
    toy.edit("params.yaml", "steps: 1", "steps: 2")
    toy.edit("params.yaml", "images: {steps: 1", "images: {steps: 2")
    toy.run(suite="images")
    assert toy.commands() == sorted(["plan", "train digits-vae-0", "evaluate digits-vae-0", "report"])


@pytest.mark.parametrize(
    ("deed", "reason"), [("die", "killed by SIGKILL"), ("raise", "exit code 1: RuntimeError: the sky is falling")]
)
def test_a_cell_that_ends_badly_takes_only_its_own_with_it(toy: Toy, deed: str, reason: str) -> None:
    toy.edit("params.yaml", "points: {steps: 1", "points: {steps: 2")
    toy.order(f"train-ring-gan-0 {deed}")
    results = toy.run()
    assert results["train@ring-gan-0"].reason == reason
    assert toy.outcomes(results, "skipped") == ["evaluate@ring-gan-0"]
    assert toy.outcomes(results, "ran") == ["evaluate@ring-vae-0", "plan", "report", "train@ring-vae-0"]
    assert "ring-gan-0" not in Path("reports/results.csv").read_text()
    toy.order()
    toy.commands()
    toy.run()
    assert toy.commands() == sorted([*GAN, "report"])


def test_a_forced_cell_runs_again_and_nothing_else_does(toy: Toy) -> None:
    toy.run(force=("train@ring-gan-0", "evaluate@ring-gan-0"))
    assert toy.commands() == GAN


def test_what_is_listed_as_stale_is_what_runs(toy: Toy) -> None:
    import command

    from pipeline.run import repository

    def stale() -> list[str]:
        with repository.opened() as workspace:
            steps = workspace.steps(load().cells)
            command.main(["plan"])
            current = json.loads(Path("plan/parameters.json").read_text())
            return [steps[name].title for name in workspace.stale(steps, current)]

    assert stale() == []
    toy.edit("params.yaml", *WIDER)
    listed = stale()
    toy.commands()
    toy.run()
    assert sorted(listed) == sorted({*toy.commands(), "plan"})


def test_a_target_selects_cells(toy: Toy) -> None:
    cells = Request(task="ring", model="vae").cells(load())
    assert [cell.key for cell in cells] == ["ring-vae-0"]
    assert [cell.key for cell in Request(force=("ring-gan-0",)).cells(load())] == ["ring-gan-0"]
    with pytest.raises(UserError, match=r"no cell .* has task digits, model gan"):
        Request(task="digits", model="gan").cells(load())
    with pytest.raises(UserError, match=r"--force ring-gn-0: no such cell .*did you mean ring-gan-0"):
        Request(force=("ring-gn-0",)).cells(load())


def test_nothing_is_touched_where_the_check_fails(toy: Toy) -> None:
    def check() -> None:
        raise UserError("no such keyword")

    toy.edit("params.yaml", *WIDER)
    before = {path: path.stat().st_mtime_ns for root in ("reports", "artifacts") for path in Path(root).rglob("*")}
    with pytest.raises(UserError):
        toy.run(before=check)
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert not toy.commands()


def test_an_input_that_changes_meanwhile_makes_no_record(toy: Toy) -> None:
    toy.edit("params.yaml", *WIDER)
    toy.order("train-ring-gan-0 edit")
    results = toy.run()
    assert results["train@ring-gan-0"].reason == "its inputs changed while it ran; run again"
    assert not Path(ROW).exists()


def test_the_lock_does_not_depend_on_the_jobs(toy: Toy) -> None:
    for folder in ("artifacts", "reports", ".dvc/cache"):
        shutil.rmtree(folder)
    before = Path("dvc.lock")
    content = before.read_bytes()
    before.unlink()
    toy.run(jobs=1)
    assert before.read_bytes() == content
