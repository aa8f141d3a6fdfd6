"""What the one loop promises: the same seed gives the same bytes, the best weights are kept, divergence is named."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from pipeline.contract import Exact, GenerativeModel, Loss, Player, SinglePlayer
from pipeline.params import Training
from pipeline.results.column import column
from pipeline.training import loop, reproducible
from pipeline.training.batches import in_order, shuffled
from pipeline.training.curve_logger import CurveLogger
from pipeline.training.loop import fit
from pipeline.training.optimiser import DivergedError, MovingAverage, learning_rate_factor
from pipeline.training.validation import SAMPLE_DISTANCE


class Line(SinglePlayer, Exact):
    """N(mean, 1) in one dimension; `spoil` makes its loss infinite from that step on."""

    def __init__(self, spoil: int | None = None) -> None:
        super().__init__()
        self.mean, self.calls, self.spoil = nn.Parameter(torch.tensor([4.0])), 0, spoil

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return -0.5 * (x - self.mean).square().sum(-1)

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        self.calls += 1
        nll = -self.log_prob(x, c).mean()
        return Loss(nll * (math.inf if self.calls == self.spoil else 1), {"nll": nll})

    def sample(self, c: Tensor) -> Tensor:
        return self.mean + torch.randn(len(c), 1)


class Tug(GenerativeModel):
    """Two players that pull one number each; the first takes two steps per round."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))
        self.seen: list[tuple[str, Tensor]] = []

    def players(self) -> tuple[Player, ...]:
        return (Player("a", (self.a,), self.pull("a"), steps_per_round=2), Player("b", (self.b,), self.pull("b")))

    def pull(self, name: str):  # type: ignore[no-untyped-def]
        def loss(x: Tensor, c: Tensor) -> Loss:
            self.seen.append((name, x))
            total = (self.a + self.b - 1).square().sum()
            return Loss(total, {"gap": total})

        return loss

    def sample(self, c: Tensor) -> Tensor:
        return torch.zeros(len(c), 1)


def data(count: int = 200) -> tuple[Tensor, Tensor]:
    return torch.randn(count, 1), torch.empty(count, 0)


def settings(**changes: object) -> Training:
    known = {"steps": 60, "batch_size": 20, "learning_rate": 0.2, "validate_every": 10, "average": 0.5}
    return Training.model_validate(known | changes)


def trained(seed: int = 0, **changes: object) -> tuple[Line, CurveLogger]:
    reproducible.seed(seed)
    history = CurveLogger()
    model, _, _ = fit(Line(), data(), data(), settings(**changes), history, "toy", seed=seed)
    assert isinstance(model, Line)
    return model, history


def test_the_same_seed_gives_the_same_weights_and_curve() -> None:
    (one, first), (two, second) = trained(), trained()
    assert torch.equal(one.mean, two.mean)
    assert first.rows == second.rows
    assert not torch.equal(one.mean, trained(seed=1)[0].mean)


def test_training_descends() -> None:
    model, history = trained()
    assert model.mean.item() == pytest.approx(0, abs=0.3)
    scores = [row[3] for row in history.rows if row[1] == "validation"]
    assert scores[-1] > scores[0]


def test_the_validation_curve_names_its_bound() -> None:
    assert {row[2] for row in trained()[1].rows if row[1] == "validation"} == {"elbo"}
    reproducible.seed(0)
    model, history = Line(), CurveLogger()
    model.bound = "iwae_8"
    fit(model, data(), data(), settings(steps=10), history, "toy", seed=0)
    assert {row[2] for row in history.rows if row[1] == "validation"} == {"iwae_8"}
    assert column("iwae_8").title == "IWAE-8"


class Seeker(Line):
    """Trained by another objective than its likelihood."""

    @property
    def validated_by_bound(self) -> bool:
        return False


def test_a_training_that_does_not_maximise_the_bound_is_validated_by_samples_too() -> None:
    reproducible.seed(0)
    curve = CurveLogger()
    fit(Seeker(), data(), data(), settings(), curve, "a training", seed=0)
    assert {part for _, player, part, _ in curve.rows if player == "validation"} == {"elbo", SAMPLE_DISTANCE}


def test_patience_stops_and_the_best_weights_are_kept() -> None:
    """Validation data that only the start fits: the first validation is the best."""
    reproducible.seed(0)
    far = torch.full((50, 1), 4.0), torch.empty(50, 0)
    model, steps, best = fit(Line(), data(), far, settings(steps=1000, patience=3), CurveLogger(), "toy", seed=0)
    assert (best, steps) == (10, 40)
    assert isinstance(model, Line)
    assert model.mean.item() > 2


def test_players_take_their_turns_on_batches_of_their_own() -> None:
    model = Tug()
    fit(model, data(), data(), settings(steps=3), CurveLogger(), "toy", seed=0)
    assert [name for name, _ in model.seen] == ["a", "a", "b"] * 3
    assert not torch.equal(model.seen[0][1], model.seen[1][1])


def test_divergence_names_its_step_and_player() -> None:
    with pytest.raises(DivergedError) as error:
        fit(Line(spoil=7), data(), data(), settings(), CurveLogger(), "toy", seed=0)
    assert (error.value.step, error.value.player) == (7, "model")


class Strict(Line):
    """Raises an error of its own where a weight is not finite."""

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        if not self.mean.isfinite().all():
            raise ValueError("a mean that is not finite")
        return super().log_prob(x, c)


@pytest.mark.parametrize("kind", [Line, Strict])
def test_divergence_between_two_rows_of_the_curve_names_its_step(
    kind: type[Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "ROWS", 2)
    history = CurveLogger()
    with pytest.raises(DivergedError) as error:
        fit(kind(spoil=37), data(), data(), settings(validate_every=60), history, "toy", seed=0)
    assert (error.value.step, error.value.player) == (37, "model")
    assert [row[0] for row in history.rows] == [30]


def test_an_error_of_a_model_whose_values_are_finite_is_its_own() -> None:
    model = Strict()
    with torch.no_grad():
        model.mean.fill_(math.inf)
    with pytest.raises(ValueError, match="a mean"):
        fit(model, data(), data(), settings(), CurveLogger(), "toy", seed=0)


def test_a_progress_line_has_the_speed_and_the_time_that_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    trained()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert re.fullmatch(r"toy  step 60/60  model/nll \S+  \S+ steps/s  about 0 s left", lines[-1])


def test_validation_does_not_move_the_stream_of_random_numbers() -> None:
    assert torch.equal(trained(validate_every=10)[0].mean, trained(validate_every=60)[0].mean)


def test_the_average_forgets_its_start() -> None:
    model = Line()
    average = MovingAverage(model, 0.99)
    with torch.no_grad():
        model.mean.fill_(0)
    for _ in range(200):
        average.update()
    assert isinstance(average.model, Line)
    assert average.model.mean.item() == pytest.approx(0, abs=0.05)


def test_an_epoch_holds_each_item_once() -> None:
    x = torch.arange(12.0)[:, None]
    batches = shuffled((x, torch.empty(12, 0)), 5, seed=0)
    drawn = torch.cat([next(batches)[0] for _ in range(12)])[:, 0]
    for epoch in drawn.split(12):
        assert torch.equal(epoch.sort().values, x[:, 0])
    assert torch.equal(torch.cat([b for b, _ in in_order((x, x), 5)]), x)


def test_the_rate_warms_up_and_falls_to_zero() -> None:
    schedule = settings(steps=100, warmup=10)
    rates = [learning_rate_factor(step, schedule) for step in range(101)]
    assert rates[0] < rates[5] < rates[10] == 1
    assert rates[50] > rates[90] > rates[100] == pytest.approx(0)
    assert learning_rate_factor(90, settings(decay="constant")) == 1


def test_a_curve_is_a_tidy_csv(tmp_path: Path) -> None:
    _, history = trained()
    history.write(tmp_path / "curve.csv")
    lines = (tmp_path / "curve.csv").read_text().splitlines()
    assert lines[0] == "step,player,part,value"
    assert lines[1].startswith("1,model,nll,")
    assert len(lines) == 1 + len(history.rows)
