"""`coverseek run` itself: exit codes, last lines, the fast path."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline import cli
from pipeline.errors import UserError
from pipeline.run import driver, worker
from pipeline.stages import leaderboard, publish

if TYPE_CHECKING:
    from tests.run.conftest import Toy


@pytest.fixture(autouse=True)
def around(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """No models to check, nothing to publish to, a leaderboard of one word."""
    monkeypatch.setattr(driver, "_checker", lambda *_: worker.warm_up)
    monkeypatch.setattr(publish, "main", lambda: print("published"))
    monkeypatch.setattr(leaderboard, "render", lambda task, suites: print("leaderboard of", *sorted(suites)))


def run(suite: str | None = None) -> int:
    return driver.main(driver.Request(suite), driver.Where(2))


def test_a_second_run_asks_nobody(
    toy: Toy, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run() == 0
    assert (
        "published\nleaderboard of images points\nReport: reports/leaderboard.md\n12 of 12 steps in"
        in capsys.readouterr().out
    )
    monkeypatch.setattr("pipeline.run.repository.opened", None)
    assert run() == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Nothing changed since the last run."


def test_the_tables_are_those_of_what_was_run(toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert run(suite="images") == 0
        assert "leaderboard of images\nReport: reports/leaderboard.md\n" in capsys.readouterr().out


def test_what_failed_stands_in_the_last_line_and_is_not_stamped(toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    toy.edit("params.yaml", "gan: {family: gan, width: 1}", "gan: {family: gan, width: 2}")
    toy.order("evaluate-ring-gan-0 die")
    for _ in range(2):
        assert run() == 1
        last = capsys.readouterr().out.splitlines()[-1]
        assert last == "failed: evaluate ring-gan-0 (killed by SIGKILL); log: logs/evaluate-ring-gan-0.log"
    toy.order()
    assert run() == 0


def test_mlflow_cannot_fail_a_run(
    toy: Toy, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise OSError("no space\nleft")

    monkeypatch.setattr(publish, "main", broken)
    assert run() == 0
    assert (
        "Not published to MLflow (OSError: no space left); try again with: coverseek publish\n"
        in capsys.readouterr().out
    )


def test_an_unknown_suite_is_named(toy: Toy) -> None:
    with pytest.raises(UserError, match="did you mean points"):
        run("point")


def test_a_damaged_configuration_writes_nothing(toy: Toy) -> None:
    toy.edit("params.yaml", "batch_size: 4", "batch_size: 4, patiens: 2")
    Path("artifacts/.fresh.json").unlink(missing_ok=True)
    with pytest.raises(UserError, match="did you mean patience"):
        run()
    assert not toy.commands()


def test_one_suite_and_every_suite_at_once_is_refused(toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["run", "--suite", "points", "--all"])
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    assert said.err == "coverseek: --suite names one suite and --all is every suite: leave one of them out\n"
