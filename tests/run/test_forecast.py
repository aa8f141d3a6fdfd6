"""What the last report knows orders the cells and tells how long a run takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.run.forecast import Forecast, Work, measured, recorded
from pipeline.run.progress import time_left
from pipeline.run.schedule import ranks
from pipeline.run.step import Step

RESULTS = """task,condition,model,family,seed,metric,value,unit,better,kind,protocol
ring,none,vae,vae,0,train_seconds,20,s,lower,measured,-
ring,none,vae,vae,0,sample_seconds_per_1000,2,s,lower,measured,-
ring,none,vae,vae,0,likelihood_seconds_per_1000,3,s,lower,measured,-
ring,none,vae,vae,0,recall,0.5,1,higher,measured,-
"""


def step(name: str, *after: str) -> Step:
    stage, _, key = name.partition("@")
    options = zip(("--task", "--model", "--seed"), key.split("-"), strict=False)
    words = [word for option, value in options if value for word in (option, value)]
    return Step(name, (stage, *words), frozenset(after))


TRAINED, EVALUATED = (Work(stage, "ring", "vae", "0") for stage in ("train", "evaluate"))


@pytest.fixture(autouse=True)
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("reports").mkdir()
    Path("reports/results.csv").write_text(RESULTS)
    return Path("reports/results.csv")


def test_seconds_are_read_from_the_last_report(results: Path) -> None:
    assert measured(results) == {TRAINED: 21.0, EVALUATED: 6.0}
    with results.open("a") as file:
        file.write("ring,none,vae,vae,0,evaluate_seconds,9,s,lower,measured,-\n")
    assert measured(results) == {TRAINED: 21.0, EVALUATED: 10.0}


def test_the_seconds_of_cells_that_ran_here_count_before_those_of_the_report() -> None:
    folder = Path("artifacts/times/train")
    folder.mkdir(parents=True)
    for key, seconds in (("ring-vae-0", 3.0), ("ring-gan-0", 4.0)):
        (folder / f"{key}.json").write_text(json.dumps({"metrics": {"train_seconds": {"value": seconds}}}))
    (folder / "ring-made-0.json").write_text("{")
    assert recorded() == {TRAINED: 4.0, TRAINED._replace(model="gan"): 5.0, EVALUATED: 6.0}


def test_a_step_without_a_record_takes_what_the_steps_most_like_it_take(results: Path) -> None:
    lines = [
        f"{task},none,{model},vae,0,train_seconds,{seconds - 1},s,lower,measured,-"
        for task, model, seconds in (("ring", "vae", 10), ("ring", "gan", 20), ("grid", "vae", 40), ("grid", "gan", 60))
    ]
    results.write_text("\n".join([RESULTS.splitlines()[0], *lines, ""]))
    names = ("ring-vae-1", "digits-vae-0", "grid-made-0", "digits-made-0")
    likes = {f"train@{name}": seconds for name, seconds in zip(names, (10.0, 25.0, 50.0, 32.5), strict=True)}
    done = [step("train@ring-vae-0"), step("train@ring-gan-0"), step("train@shapes-made-0")]
    forecast = Forecast([*done, *map(step, likes)], jobs=1)
    assert {name: forecast.expected[name] for name in likes} == pytest.approx(likes)
    forecast.learn("train@ring-vae-0", 20.0)
    forecast.learn("train@ring-gan-0", 40.0)  # a machine half as fast: seconds seen here count in full, recorded twice
    assert forecast.left(["train@ring-vae-1"], {}) == pytest.approx(20.0)
    assert forecast.left(["train@grid-made-0"], {}) == pytest.approx(100.0)
    forecast.learn("train@shapes-made-0", 500.0)  # without a record: it tells of its like, and nothing of the pace
    assert forecast.left(["train@grid-made-0"], {}) == pytest.approx(500.0)


def test_a_running_step_that_is_overdue_takes_longer() -> None:
    one, *others = cells("train", "vae", "gan", "made")
    forecast = Forecast([one, *others], jobs=8)
    for other in others:
        forecast.learn(other.name, 21.0)
    left = [forecast.left([], {one.name: spent}) for spent in (20.0, 100.0, 200.0)]
    assert left == pytest.approx([4.0, 20.0, 40.0])


@pytest.mark.parametrize("text", ["", "task,model\nring,vae\n", RESULTS.replace(",20,", ",twenty,")])
def test_a_report_that_cannot_be_read_is_no_report(results: Path, text: str) -> None:
    results.write_text(text)
    assert measured(results) == {}
    results.unlink()
    assert measured(results) == {}


def cells(stage: str, *names: str) -> list[Step]:
    return [step(f"{stage}@ring-{name}-0") for name in names]


def test_all_that_is_left_divided_by_the_jobs_at_the_runs_own_pace() -> None:
    first, second, *rest = cells("train", "vae", "gan", "made", "nice")
    forecast = Forecast([first, second, *rest], jobs=2)
    assert set(forecast.expected.values()) == {21.0}  # the mean of the stage, where a cell is not recorded
    forecast.learn(first.name, 42.0)
    forecast.learn(second.name, 42.0)  # twice what was expected
    assert forecast.left([one.name for one in rest], {}) == pytest.approx(42.0)


def test_no_time_is_stated_before_a_few_cells_are_finished_and_short_steps_do_not_scale_it() -> None:
    prepare, first, second, third = step("prepare@ring"), *cells("train", "vae", "gan", "made")
    forecast = Forecast([prepare, first, second, third], jobs=1)
    assert forecast.left([prepare.name, first.name], {}) is None
    forecast.learn(prepare.name, 40.0)  # 40 times what was guessed
    forecast.learn(first.name, 21.0)
    assert forecast.left([second.name, third.name], {}) is None
    forecast.learn(second.name, 21.0)
    assert forecast.left([third.name], {}) == pytest.approx(21.0)
    assert time_left(None) == "estimating the time left"
    assert time_left(21.0) == "about 21 s left"


def test_each_stage_has_a_pace_of_its_own() -> None:
    trainings, evaluations = cells("train", "vae", "gan"), cells("evaluate", "vae", "gan", "made")
    forecast = Forecast([*trainings, *evaluations], jobs=1)
    for one in trainings:
        forecast.learn(one.name, 210.0)
    for one in evaluations[:2]:
        forecast.learn(one.name, 3.0)  # half of what was expected
    assert forecast.left([evaluations[2].name], {}) == pytest.approx(3.0)


def test_the_first_estimate_of_a_run_is_near_its_length(results: Path) -> None:
    """A machine half as fast as the recorded one, 12 cells of 2 to 50 seconds, longest first, 2 jobs."""
    seconds = {f"m{k}": float(k) for k in range(50, 2, -4)}
    head = RESULTS.splitlines()[0]
    lines = [f"ring,none,{m},vae,0,train_seconds,{s - 1},s,lower,measured,-" for m, s in seconds.items()]
    results.write_text("\n".join([head, *lines, ""]))
    prepare, steps = step("prepare@ring"), cells("train", *seconds)
    forecast = Forecast([prepare, *steps], jobs=2)
    forecast.learn(prepare.name, 5.0)
    for one in steps[:2]:
        forecast.learn(one.name, 2 * forecast.expected[one.name])
    left = forecast.left([one.name for one in steps[2:]], {})
    assert left == pytest.approx(2 * sum(list(seconds.values())[2:]) / 2, rel=0.05)


def test_one_long_step_cannot_be_shared_out() -> None:
    one, *others = cells("train", "vae", "gan", "made")
    forecast = Forecast([one, *others], jobs=8)
    for other in others:
        forecast.learn(other.name, 21.0)
    assert forecast.left([], {one.name: 1.0}) == pytest.approx(20.0)


def test_a_rank_is_the_longest_way_to_the_end() -> None:
    steps = {s.name: s for s in (step("a"), step("b", "a"), step("c", "a"), step("d", "b", "c"))}
    assert ranks(steps, {"a": 1, "b": 5, "c": 2, "d": 3}) == {"a": 9, "b": 8, "c": 5, "d": 3}
