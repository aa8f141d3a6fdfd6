"""What the last report knows orders the cells and tells how long a run takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.run.forecast import Forecast, measured
from pipeline.run.schedule import ranks
from pipeline.run.step import Step

RESULTS = """suite,task,condition,model,family,seed,metric,value,unit,better,kind,protocol
points,ring,none,vae,vae,0,train_seconds,20,s,lower,measured,-
points,ring,none,vae,vae,0,sample_seconds_per_1000,2,s,lower,measured,-
points,ring,none,vae,vae,0,likelihood_seconds_per_1000,3,s,lower,measured,-
points,ring,none,vae,vae,0,recall,0.5,1,higher,measured,-
"""


def step(name: str, *after: str) -> Step:
    return Step(name, (name.partition("_")[0],), frozenset(after))


@pytest.fixture(autouse=True)
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("reports").mkdir()
    Path("reports/results.csv").write_text(RESULTS)
    return Path("reports/results.csv")


def test_seconds_are_read_from_the_last_report(results: Path) -> None:
    assert measured(results) == {("train", "ring-vae-0"): 21.0, ("evaluate", "ring-vae-0"): 6.0}


@pytest.mark.parametrize("text", ["", "task,model\nring,vae\n", RESULTS.replace(",20,", ",twenty,")])
def test_a_report_that_cannot_be_read_is_no_report(results: Path, text: str) -> None:
    results.write_text(text)
    assert measured(results) == {}
    results.unlink()
    assert measured(results) == {}


def test_all_that_is_left_divided_by_the_jobs_at_the_runs_own_pace() -> None:
    forecast = Forecast([step("train_points@ring-vae-0"), step("train_points@ring-gan-0")], jobs=2)
    expected = sum(forecast.expected.values())
    assert forecast.left(forecast.expected, {}) == pytest.approx(expected / 2)
    forecast.learn("train_points@ring-vae-0", 42.0)  # twice what was expected
    assert forecast.left(forecast.expected, {}) == pytest.approx(expected)


def test_one_long_step_cannot_be_shared_out() -> None:
    forecast = Forecast([step("train_points@ring-vae-0")], jobs=8)
    assert forecast.left([], {"train_points@ring-vae-0": 1.0}) == pytest.approx(20.0)


def test_a_rank_is_the_longest_way_to_the_end() -> None:
    steps = {s.name: s for s in (step("a"), step("b", "a"), step("c", "a"), step("d", "b", "c"))}
    assert ranks(steps, {"a": 1, "b": 5, "c": 2, "d": 3}) == {"a": 9, "b": 8, "c": 5, "d": 3}
