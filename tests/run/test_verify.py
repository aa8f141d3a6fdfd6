"""A sample of stale cells runs again, and the others are accepted only where no output of it differs."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from pipeline import paths
from pipeline.errors import UserError
from pipeline.run import driver, verify, worker
from pipeline.run.driver import Request
from pipeline.run.step import Step
from pipeline.run.verify import sample
from pipeline.run.where import Where
from pipeline.stages import leaderboard, publish
from pipeline.tracking import live_curves

if TYPE_CHECKING:
    from tests.run.conftest import Toy

CELLS = ("ring-vae-0", "ring-gan-0", "digits-vae-0")


@pytest.fixture(autouse=True)
def refactored(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The code of both families is other code that does the same; nothing is published or printed."""
    monkeypatch.setattr(driver, "_checker", lambda *_: worker.warm_up)
    monkeypatch.setattr(publish, "main", lambda: None)
    monkeypatch.setattr(leaderboard, "render", lambda task, suites: None)
    for family in ("vae", "gan"):
        Path(f"pipeline/{family}.py").write_text(f"KIND = '{family}'\n")
    toy.commands()


def verified() -> dict[str, Any]:
    return dict(json.loads(paths.VERIFIED.read_text()))


def test_one_cell_of_each_family_runs_again_and_the_others_are_accepted(toy: Toy) -> None:
    assert driver.main(Request(), Where(2), verify=1) == 0
    ran = toy.commands()
    assert len([line for line in ran if line.startswith("train")]) == 2
    assert {"plan", "train ring-gan-0", "evaluate ring-gan-0"} <= {*ran}
    found = verified()
    accepted = {line.replace(" ", "@") for line in ran} ^ {
        f"{stage}@{cell}" for stage in ("train", "evaluate") for cell in CELLS
    }
    assert {*found["accepted"]} == accepted - {"plan"}
    assert found["differing"] == {}
    assert len(toy.outcomes(toy.run(), "unchanged")) == 12
    assert not toy.commands()


def test_a_step_that_runs_is_accepted_no_longer(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_curves, "tracked", lambda _: nullcontext())
    assert driver.main(Request(), Where(2), verify=1) == 0
    evaluated, trained = sorted(verified()["accepted"])
    cell = trained.partition("@")[2]
    assert driver.main(Request(force=(cell,)), Where(2)) == 0
    assert not paths.VERIFIED.exists()
    verify.Verification(1, [], [evaluated, "train@other"], {}).write()
    verify.forget([evaluated])
    assert verified()["accepted"] == ["train@other"]


def test_nothing_is_accepted_where_an_output_differs(toy: Toy) -> None:
    Path("noise").touch()
    assert driver.main(Request(), Where(2), verify=1) == 1
    found = verified()
    assert found["accepted"] == []
    assert "differs from dvc.lock: artifacts/samples/ring-gan-0.npz" in found["differing"]["evaluate@ring-gan-0"]
    toy.commands()
    toy.run()
    (again,) = [line for line in toy.commands() if line.startswith("train")]
    assert again != "train ring-gan-0"


def test_the_log_of_a_step_that_fails_is_printed(toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    toy.order("train-ring-gan-0 raise")
    assert driver.main(Request(), Where(2), verify=1) == 1
    said = capsys.readouterr().out
    assert "not verified: train ring-gan-0 (exit code 1: RuntimeError: the sky is falling)\n" in said
    assert "logs/train-ring-gan-0.log ends with:\n  " in said
    assert "\n  RuntimeError: the sky is falling\n" in said
    assert verified()["accepted"] == []


def test_a_plan_that_fails_ends_the_verification(toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    toy.order("plan- raise")
    assert driver.main(Request(), Where(2), verify=1) == 1
    assert "failed: plan (exit code 1: RuntimeError: the sky is falling); log: logs/plan-all.log\n" in (
        said := capsys.readouterr().out
    )
    assert "\n  RuntimeError: the sky is falling\n" in said
    assert not paths.VERIFIED.exists()
    assert toy.commands() == ["plan"]


def test_a_step_that_never_ran_is_not_accepted(toy: Toy) -> None:
    content = yaml.safe_load(paths.LOCK.read_text())
    del content["stages"]["evaluate@ring-vae-0"]
    paths.LOCK.write_text(yaml.safe_dump(content, sort_keys=False))
    assert driver.main(Request(), Where(2), verify=1) == 0
    assert "evaluate@ring-vae-0" not in verified()["accepted"]


def test_a_changed_setting_is_not_accepted(toy: Toy) -> None:
    toy.edit("params.yaml", "gan: {family: gan, width: 1}", "gan: {family: gan, width: 2}")
    assert driver.main(Request(), Where(2), verify=1) == 0
    found = verified()
    assert not [name for name in (*found["rerun"], *found["accepted"]) if "gan" in name]
    assert "train ring-gan-0" in toy.commands()


def test_a_sample_has_at_least_so_many_cells_and_depends_on_the_seed(toy: Toy) -> None:
    from pipeline.params import load

    toy.edit("params.yaml", "models: [vae, gan], seeds: [0]", "models: [vae, gan], seeds: [0, 1, 2, 3, 4, 5]")
    settings = load()
    steps = {f"train@{cell.key}": Step(f"train@{cell.key}", ("train",), frozenset()) for cell in settings.cells}
    drawn = [sample(settings, steps, 4, seed) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert {len(names) for names in drawn} == {4}
    assert len(sample(settings, steps, 1, 0)) == 2


def test_code_that_differed_is_not_sampled_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    verify.refuse_repetition(7)
    verify.Verification(7, ["train@a"], [], {"train@a": "differs"}).write()
    with pytest.raises(UserError, match="run coverseek run"):
        verify.refuse_repetition(7)
    verify.refuse_repetition(8)
