"""A knob's curve: what the area is, that only the knob differs between settings, and how the stage refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from configuration import params_text, task_entry
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from pipeline import paths
from pipeline.contract import Event, GenerativeModel, Player, Task
from pipeline.errors import UserError
from pipeline.metrics.extractors.lookup import Identity
from pipeline.metrics.extractors.reference import Reference
from pipeline.metrics.knob import Turn, area, best, curve, summary
from pipeline.params import Evaluation
from pipeline.paths import Cell
from pipeline.stages import features as fitting
from pipeline.stages import prepare, sweep
from pipeline.training import checkpoint

SETTINGS = Evaluation(
    samples=300, draws=1, chunk=100, neighbours=3, coverage_neighbours=5, conditions=1, repeats=2
)  # fmt: skip
TASK = Task("plane", Event((2,)))
shares = st.floats(0, 1)
turns = st.lists(st.builds(lambda p, r: Turn(1.0, p, r, 1.0, 1.0, 0.0), shares, shares), max_size=6)


class Gaussian(GenerativeModel):
    """N(0, setting² I); not finite above a setting of 9."""

    knob = "temperature"

    def players(self) -> tuple[Player, ...]:
        return ()

    def sample(self, c: Tensor) -> Tensor:
        return self.setting * torch.randn(len(c), 2) / (self.setting <= 9)


def turned(*settings: float) -> list[Turn]:
    torch.manual_seed(1)
    of = Reference(Identity(size=2), {"test": torch.randn(300, 2)}, {})
    model = Gaussian()
    found = list(curve(model, TASK, torch.empty(300, 0), of, settings, SETTINGS, seed=0))
    assert model.setting == 1
    return found


def own(turns: list[Turn]) -> float:
    """The area of settings that are selected by themselves, each of its own name."""
    named = [replace(turn, setting=float(i)) for i, turn in enumerate(turns)]
    return area(named, named)


@given(turns, st.builds(lambda p, r: Turn(1.0, p, r, 1.0, 1.0, 0.0), shares, shares))
def test_the_area_is_a_share_that_another_setting_never_lowers(some: list[Turn], more: Turn) -> None:
    assert 0 <= own(some) <= own([*some, more]) + 1e-12 <= 1 + 1e-9
    assert own([*some, more]) >= more.recall * more.precision - 1e-12


def test_the_area_of_two_settings_in_closed_form() -> None:
    seeking, covering = Turn(0.5, 0.9, 0.4, 1, 1, 0), Turn(1.0, 0.6, 0.8, 1, 1, 0)
    found = [seeking, covering]
    assert area(found, found) == pytest.approx(0.8 * 0.6 + 0.4 * (0.9 - 0.6))
    assert summary(found, found)["best"] == 1.0


def test_settings_are_selected_on_one_split_and_scored_on_the_other() -> None:
    """The test split's best setting, .5, is dominated on the validation split and enters nothing."""
    test = [Turn(0.5, 0.95, 0.95, 1, 1, 0), Turn(1.0, 0.6, 0.8, 1, 1, 0), Turn(2.0, 0.5, 0.9, 1, 1, 0)]
    validation = [Turn(0.5, 0.1, 0.1, 1, 1, 0), Turn(1.0, 0.7, 0.7, 1, 1, 0), Turn(2.0, 0.5, 0.8, 1, 1, 0)]
    found = summary(test, validation)
    assert found["area"] == pytest.approx(0.9 * 0.5 + 0.8 * (0.6 - 0.5))
    assert found["best"] == 1.0
    assert [turn["setting"] for turn in found["validation"]] == [0.5, 1.0, 2.0]
    assert summary(test, validation[1:])["area"] == found["area"]
    assert summary(test[:1], validation)["best"] == 0.5
    assert summary([], validation)["best"] is None


class Idle(Gaussian):
    """N(0, I), whose knob changes the draws and not their distribution."""

    def sample(self, c: Tensor) -> Tensor:
        torch.randn(int(100 * self.setting))
        return torch.randn(len(c), 2)


def test_a_knob_that_does_nothing_gains_nothing() -> None:
    """The mean gain over 40 repetitions lies within 3 standard errors of 0; selected on the test split, far above."""
    settings, sweep_of = SETTINGS.model_copy(update={"samples": 100}), (0.4, 0.55, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25)
    gains: dict[str, list[float]] = {"area": [], "F_1": [], "area on test": [], "F_1 on test": []}
    for seed in range(40):
        torch.manual_seed(10_000 + seed)
        of = Reference(Identity(size=2), {"test": torch.randn(100, 2), "validation": torch.randn(100, 2)}, {})

        def turned(split: str, seed: int, of: Reference = of) -> list[Turn]:
            return list(curve(Idle(), TASK, torch.empty(100, 0), of, sweep_of, settings, seed, split))

        test, validation = turned("test", seed), turned("validation", seed + 5_000)
        plain = next(turn for turn in test if turn.setting == 1)
        for name, selection in (("", validation), (" on test", test)):
            chosen = best(test, selection)
            assert chosen is not None
            gains[f"area{name}"].append(area(test, selection) - plain.precision * plain.recall)
            gains[f"F_1{name}"].append(chosen.f_1 - plain.f_1)
    means = {name: (np.mean(found), np.std(found, ddof=1) / np.sqrt(len(found))) for name, found in gains.items()}
    for name in ("area", "F_1"):
        assert abs(means[name][0]) < 3 * means[name][1], means
        assert means[f"{name} on test"][0] > 5 * means[f"{name} on test"][1], means


def test_a_lower_temperature_seeks() -> None:
    cold, warm = turned(0.3, 1.0)
    assert cold.precision > warm.precision
    assert cold.recall < warm.recall - 0.2


def test_settings_differ_by_the_knob_alone() -> None:
    assert turned(1.0) == turned(1.0) == [turned(0.5, 1.0)[1]]


def test_a_setting_whose_samples_are_not_finite_is_left_out() -> None:
    assert [turn.setting for turn in turned(1.0, 10.0, 0.5)] == [1.0, 0.5]


PARAMS = params_text(
    {"ring": task_entry("ring", 300, 20, 60, sigma=0.1)},
    evaluation={"samples": 50, "draws": 2, "chunk": 20},
    knobs={"temperature": [0.5, 1.0]},
)


@pytest.fixture
def cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[GenerativeModel | None], Cell]:
    """A cell of the ring whose trained model is the one given; None has diverged."""
    monkeypatch.chdir(tmp_path)
    paths.PARAMS.write_text(PARAMS)
    prepare.main("ring")
    fitting.main("ring")
    manifest = {"task": "ring", "model": "made_up", "family": "flow", "seed": 0, "status": "ok"}

    def make(model: GenerativeModel | None) -> Cell:
        status = {"status": "diverged"} if model is None else {}
        monkeypatch.setattr(checkpoint, "load", lambda cell, task: (model, manifest | status))
        return Cell("ring", "made_up", 0)

    return make


def test_the_stage_writes_a_row_for_each_setting(cell: Callable[[GenerativeModel], Cell]) -> None:
    asked = cell(Gaussian())
    sweep.main(*asked)
    first = paths.sweep(asked).read_bytes()
    found = json.loads(first)
    assert [turn["setting"] for turn in found["turns"]] == [0.5, 1.0]
    assert [turn["setting"] for turn in found["validation"]] == [0.5, 1.0]
    assert found["validation"] != found["turns"]
    assert (found["knob"], found["protocol"]) == (
        "temperature",
        "test n=50, fake n=50, identity, k=3, closed balls, selected on validation n=20",
    )
    sweep.main(*asked)
    assert paths.sweep(asked).read_bytes() == first


def test_a_diverged_model_has_no_settings(cell: Callable[[GenerativeModel | None], Cell]) -> None:
    asked = cell(None)
    sweep.main(*asked)
    assert json.loads(paths.sweep(asked).read_text()).keys() == {"task", "model", "family", "seed", "status"}


@pytest.mark.parametrize(("knob", "words"), [(None, "made_up has no knob"), ("guidance", "guidance needs a condition")])
def test_a_model_without_a_knob_to_turn_is_refused(
    cell: Callable[[GenerativeModel], Cell], monkeypatch: pytest.MonkeyPatch, knob: str | None, words: str
) -> None:
    monkeypatch.setattr(Gaussian, "knob", knob)
    with pytest.raises(UserError, match=words) as error:
        sweep.main(*cell(Gaussian()))
    assert "\n" not in str(error.value)
