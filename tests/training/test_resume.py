"""A training that is killed goes on from its last resume point, and ends with the same bytes as without it."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from toys import Toy, build, recipes

from pipeline.conformance.toy_tasks import Problem, batch
from pipeline.contract import Batch, Exact, GenerativeModel, Loss, SinglePlayer
from pipeline.params import Training
from pipeline.training import loop, reproducible
from pipeline.training.curve_logger import CurveLogger, Row
from pipeline.training.loop import fit
from pipeline.training.resume import GENERATIONS, POINT, TENSORS, ResumePoints, State

Result = tuple[dict[str, bytes], list[Row], int, int]
INPUTS = {"seed": 0}
STEPS, EVERY = 9, 2
TOYS = [
    Toy(*recipe, event, "none")
    for events, event in (("points", "points"), ("images", "grey"))
    for recipe in recipes(events)
    if recipe[0] != "control"
]


class KilledError(Exception):
    """In place of a signal."""


class KilledPoints(ResumePoints):
    """Written after every other step; raises `KilledError` after `steps` of them."""

    def __init__(self, folder: Path, steps: float = math.inf) -> None:
        super().__init__(folder, INPUTS, interval=1)
        self.steps, self.count = steps, 0

    def due(self) -> bool:
        self.count += 1
        if self.count == self.steps:
            raise KilledError
        return self.count % EVERY == 0


def disturb() -> None:
    """Move all random numbers: going on sets them."""
    random.random(), np.random.rand(), torch.rand(3)


def trained(
    make: Callable[[], GenerativeModel],
    data: Batch,
    points: ResumePoints | None = None,
    intensity: Tensor | None = None,
    **changes: object,
) -> Result:
    known = {"steps": STEPS, "batch_size": 8, "learning_rate": 0.01, "validate_every": 2, "warmup": 2, "average": 0.9}
    settings, curve = Training.model_validate(known | changes), CurveLogger()
    reproducible.seed(0)
    model = make()
    if points and points.folder.exists():
        disturb()
    model, steps, best = fit(model, data, data, settings, curve, "toy", intensity, seed=3, points=points)
    weights = {name: value.contiguous().numpy().tobytes() for name, value in model.state_dict().items()}
    return weights, curve.rows, steps, best


def killed_three_times(make: Callable[[], GenerativeModel], data: Batch, folder: Path, **changes: object) -> Result:
    """Killed after three random steps, the first one after the first resume point."""
    chosen = random.Random(str(folder.name))
    for steps in (chosen.randint(3, 4), chosen.randint(1, 3), chosen.randint(1, 3)):
        with pytest.raises(KilledError):
            trained(make, data, KilledPoints(folder, steps), **changes)  # type: ignore[arg-type]
    return trained(make, data, KilledPoints(folder), **changes)  # type: ignore[arg-type]


@pytest.fixture
def _few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row of the curve every third step: what is collected for the next one is part of the state."""
    monkeypatch.setattr(loop, "ROWS", 3)


@pytest.mark.usefixtures("_few_rows")
@pytest.mark.parametrize("toy", TOYS, ids="-".join)
def test_a_killed_training_ends_with_the_same_bytes(toy: Toy, tmp_path: Path) -> None:
    torch.manual_seed(1)
    task = Problem(toy.event, toy.condition).task
    data = batch(task, 30)

    def make() -> GenerativeModel:
        return build(toy.family, toy.recipe, task)

    assert killed_three_times(make, data, tmp_path / "-".join(toy)) == trained(make, data)


class Line(SinglePlayer, Exact):
    """N(mean, 1) in one dimension, whose loss also depends on the number of its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.mean, self.calls = nn.Parameter(torch.tensor([4.0])), 0

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return -0.5 * (x.flatten(1) - self.mean).square().sum(-1)

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        self.calls += 1
        nll = -self.log_prob(x + random.random() + np.random.rand(), c).mean() / self.calls
        return Loss(nll, {"nll": nll})

    def sample(self, c: Tensor) -> Tensor:
        return self.mean + torch.randn(len(c), 1)

    def training_state(self) -> dict[str, int]:
        return {"calls": self.calls}

    def load_training_state(self, state: dict[str, int]) -> None:
        self.calls = state["calls"]


def line_data(count: int = 30) -> Batch:
    torch.manual_seed(1)
    return torch.randn(count, 1), torch.empty(count, 0)


def test_counters_and_the_random_numbers_of_python_and_numpy_are_saved(tmp_path: Path) -> None:
    assert killed_three_times(Line, line_data(), tmp_path / "line") == trained(Line, line_data())


def test_draws_from_intensities_go_on(tmp_path: Path) -> None:
    torch.manual_seed(1)
    intensity = torch.randint(256, (30, 1, 2, 2), dtype=torch.uint8)
    data = (intensity > 127).float() * 2 - 1, torch.empty(30, 0)
    found = killed_three_times(Line, data, tmp_path / "line", intensity=intensity)
    assert found == trained(Line, data, intensity=intensity)


def test_patience_counts_from_the_best_step_before(tmp_path: Path) -> None:
    """With a rate of learning this small the first validation is not beaten by the data's far side."""
    x, c = line_data()
    changes = {"steps": 1000, "patience": 3, "learning_rate": 10.0}
    expected = trained(Line, (x, c), **changes)
    assert expected[2] < 1000
    assert killed_three_times(Line, (x, c), tmp_path / "line", **changes) == expected


def one_point(folder: Path, step: int = 1, value: float = 1.0) -> ResumePoints:
    points = ResumePoints(folder, INPUTS, interval=1)
    points.save(step, {"model": State({"w": torch.tensor(value)}, {"n": step})})
    return points


def value(points: ResumePoints) -> float | None:
    parts = points.load()
    return parts["model"].tensors["w"].item() if parts else None


def test_the_last_two_points_are_kept_and_the_last_one_is_used(tmp_path: Path) -> None:
    for step in (8, 9, 10, 11):
        points = one_point(tmp_path / "cell", step, value=step)
    assert sorted(int(path.name) for path in (tmp_path / "cell").iterdir()) == [10, 11]
    assert GENERATIONS == 2
    assert value(points) == 11
    points.remove()
    assert not (tmp_path / "cell").exists()
    assert value(points) is None


@pytest.mark.parametrize("name", [TENSORS, POINT])
@pytest.mark.parametrize("damage", ["removed", "cut", "flipped"])
def test_a_damaged_point_is_ignored_with_a_line_for_the_one_before(
    name: str, damage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one_point(tmp_path, 1)
    points = one_point(tmp_path, 2, value=2)
    path = tmp_path / "2" / name
    content = path.read_bytes()
    if damage == "removed":
        path.unlink()
    else:
        path.write_bytes(content[: len(content) // 2] if damage == "cut" else b"\x00" + content[1:])
    assert value(points) == 1
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1
    assert printed.startswith("resume point ignored: ")
    assert name in printed


def test_a_point_of_other_inputs_is_ignored_with_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one_point(tmp_path)
    assert value(ResumePoints(tmp_path, {"seed": 1}, interval=1)) is None
    assert "resume point ignored" in capsys.readouterr().out


def test_points_of_another_training_give_way_to_those_of_this_one(tmp_path: Path) -> None:
    other = ResumePoints(tmp_path, {"seed": 1}, interval=1)
    for step in (800, 900):
        other.save(step, {"model": State({}, {})})
    assert value(one_point(tmp_path, 10, value=10)) == 10
    assert [path.name for path in tmp_path.iterdir()] == ["10"]


def test_a_write_that_was_killed_leaves_the_point_before(tmp_path: Path) -> None:
    one_point(tmp_path, 1)
    draft = tmp_path / ".2.part"
    draft.mkdir()
    (draft / TENSORS).write_bytes(b"half")
    assert value(one_point(tmp_path, 1)) == 1
    assert value(one_point(tmp_path, 2, value=2)) == 2
    assert not draft.exists()


def test_a_folder_that_cannot_be_written_is_given_up_with_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    points = one_point(tmp_path / "file" / "cell")
    assert "cannot be written" in capsys.readouterr().out
    assert not points.due()


def test_writing_takes_a_bounded_share_of_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a write of one second the next one follows after 50 s, also if the interval is shorter."""
    now = [0.0]
    monkeypatch.setattr("pipeline.training.resume.time.monotonic", lambda: now[0])
    points = ResumePoints(tmp_path, INPUTS, interval=10)
    assert not points.due()
    now[0] = 10
    assert points.due()

    def slow(*_: object) -> None:
        now[0] += 1

    monkeypatch.setattr("pipeline.training.resume.save_file", lambda tensors, path, values: path.write_bytes(b""))
    monkeypatch.setattr("pipeline.training.resume._packed", lambda parts: slow() or ({}, {}))
    points.save(1, {})
    now[0] = 11 + 49
    assert not points.due()
    now[0] = 11 + 50
    assert points.due()
    assert not ResumePoints(tmp_path, INPUTS, interval=0).due()
