"""The one training loop: every player of a game descends its loss in turn.

Likelihood training is a one-player optimisation, adversarial training a two-player game; the loop does not know which.
What is validated, kept and returned are the averaged weights: the best on the validation split where the model has a
likelihood, the last where it has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from pipeline.contract import Batch, Bounded, GenerativeModel
from pipeline.training.acceleration import Wishes, acceleration
from pipeline.training.batches import in_order, shuffled
from pipeline.training.curve_logger import CurveLogger
from pipeline.training.optimiser import Average, PlayerOptimiser, Schedule
from pipeline.training.progress_bar import StepLines, step_progress

ROWS = 50  # rows of a training curve
VALIDATION_SEED = 20_000  # the same draws at each validation: differences are the weights', not the noise's


class Settings(Schedule, Wishes, Protocol):
    """The settings that the loop reads; `pipeline.params.Training` has them."""

    @property
    def batch_size(self) -> int: ...
    @property
    def average(self) -> float: ...
    @property
    def validate_every(self) -> int: ...
    @property
    def validate_items(self) -> int: ...
    @property
    def patience(self) -> int | None: ...


@dataclass
class Best:
    """The averaged weights that are kept so far."""

    score: float
    step: int
    state: dict[str, Tensor]


def fit(
    model: GenerativeModel,
    train: Batch,
    validation: Batch,
    settings: Settings,
    curve: CurveLogger,
    title: str,
    intensity: Tensor | None = None,
    *,
    seed: int,
) -> tuple[GenerativeModel, int, int]:
    """Train `model`, then calibrate it; with `intensity` (`Prepared` has it), on images that are drawn anew.

    `seed` decides the batches alone; all else is drawn from torch's global generator.

    Returns:
        The averaged model, the steps taken, and the step that its weights are from.

    Raises:
        DivergedError: a player's loss or gradient is not finite.
    """
    average = Average(model, settings.average) if model.players() else None
    steps = kept = 0
    if average:
        with step_progress(title, settings.steps) as progress:
            batches = shuffled(train, settings.batch_size, intensity, seed=seed)
            best, steps = _play(model.train(), average, batches, validation, settings, curve, progress)
        average.model.load_state_dict(best.state)
        kept = best.step
    trained = average.model if average else model.eval()
    trained.calibrate(in_order(train, settings.batch_size), in_order(validation, settings.batch_size))
    return trained, steps, kept


def _play(
    model: GenerativeModel,
    average: Average,
    batches: Iterator[Batch],
    validation: Batch,
    settings: Settings,
    curve: CurveLogger,
    progress: StepLines,
) -> tuple[Best, int]:
    fast = acceleration(settings, validation[0])
    fast.place(model)
    optimisers = [PlayerOptimiser(fast.player(player), settings) for player in model.players()]
    best: Best | None = None
    numbers: dict[str, float] = {}
    for step in range(1, settings.steps + 1):
        _round(optimisers, batches, curve, step)
        average.update()
        if step % max(1, settings.steps // ROWS) == 0:
            numbers = curve.flush(step)
        if step % settings.validate_every == 0 or step == settings.steps:
            best = _validate(average, validation, settings, curve, step, best)
        progress.update(step, numbers)
        if best and settings.patience and step - best.step >= settings.patience * settings.validate_every:
            return best, step
    assert best
    return best, settings.steps


def _round(optimisers: list[PlayerOptimiser], batches: Iterator[Batch], curve: CurveLogger, step: int) -> None:
    for optimiser in optimisers:
        for _ in range(optimiser.player.turns):
            loss = optimiser.player.loss(*next(batches))
            optimiser.step(loss, step)
            curve.record(optimiser.player.name, loss)


def _validate(
    average: Average, validation: Batch, settings: Settings, curve: CurveLogger, step: int, best: Best | None
) -> Best:
    if not isinstance(average.model, Bounded):
        return Best(0.0, step, average.state())
    score = mean_bound(average.model, validation, settings)
    curve.add(step, "validation", average.model.bound, score)
    return best if best and best.score >= score else Best(score, step, average.state())


@torch.no_grad()
def mean_bound(model: Bounded, validation: Batch, settings: Settings) -> float:
    """Mean of `elbo` in nats over the first items of the validation split, with the same draws each time."""
    x, c = (part[: settings.validate_items] for part in validation)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(VALIDATION_SEED)
        bounds = [model.elbo(*batch) for batch in in_order((x, c), settings.batch_size)]
    return torch.cat(bounds).mean().item()
