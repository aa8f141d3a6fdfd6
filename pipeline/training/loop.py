"""The training loop: in each round every player descends its loss, one after the other.

Likelihood training has one player, adversarial training two. The averaged weights are validated and returned: those
with the best bound on the validation split if the model has a likelihood and the settings `keep` them, else the last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor

from pipeline import device as devices
from pipeline.contract import Batch, Bounded, GenerativeModel
from pipeline.training.acceleration import AccelerationOptions, acceleration
from pipeline.training.batches import ShuffledBatches, in_order, shuffled
from pipeline.training.curve_logger import CurveLogger
from pipeline.training.optimiser import FiniteCheck, MovingAverage, OptimiserSettings, PlayerOptimiser
from pipeline.training.progress_bar import StepLines, step_progress
from pipeline.training.resume import (
    Parts,
    ResumePoints,
    State,
    model_state,
    random_state,
    restore_model,
    restore_random,
)
from pipeline.training.transfer import Transfer
from pipeline.training.validation import SAMPLE_DISTANCE, mean_bound, sample_distance

ROWS = 50  # rows of a training curve


class Settings(OptimiserSettings, AccelerationOptions, Protocol):
    """The settings of the loop; `pipeline.params.Training` has them."""

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
    @property
    def keep(self) -> Literal["best", "last"]: ...


@dataclass
class Best:
    """The averaged weights of the best validation so far."""

    score: float
    step: int
    weights: dict[str, Tensor]


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
    device: torch.device = devices.CPU,
    points: ResumePoints | None = None,
) -> tuple[GenerativeModel, int, int]:
    """Train `model`, then calibrate it; with `intensity` (of `Prepared`), on images binarised anew in each batch.

    `seed` decides the batches alone; all else is drawn from torch's global generators. The loop waits for the device
    only where it adds a row to the curve, validates, or writes a resume point.

    Args:
        model: moved to `device`.
        train: x (N, *event) and c (N, *condition).
        validation: of the same shapes.
        settings: of the loop.
        curve: gets the rows.
        title: of the progress lines.
        intensity: uint8 (N, *event).
        seed: the training seed.
        device: where the model is trained and calibrated.
        points: where the training goes on from, if it was killed, and where its resume points are written. The result
            is the same bytes as without an interruption.

    Returns:
        The averaged model on `device`, the steps taken, and the step that its weights are from.

    Raises:
        DivergedError: a player's loss or gradient is not finite.
    """
    transfer = Transfer(device)
    model = model.to(device)
    data = train if intensity is not None else transfer.dataset(train)
    steps = best_step = 0
    trained = model.eval()
    if model.players():
        held = transfer.batch((validation[0][: settings.validate_items], validation[1][: settings.validate_items]))
        batches = shuffled(data, settings.batch_size, intensity, seed=seed)
        training = TrainingLoop(model.train(), batches, held, settings, curve, transfer)
        with step_progress(title, settings.steps, device) as progress:
            best, steps = training.run(progress, points)
        trained, best_step = training.average.model, best.step
        trained.load_state_dict(best.weights)
    trained.calibrate(
        transfer.each(in_order(data, settings.batch_size)), transfer.each(in_order(validation, settings.batch_size))
    )
    return trained, steps, best_step


class TrainingLoop:
    """The rounds of one training, and all of its state.

    Args:
        model: in training mode, on the device of `transfer`.
        batches: the training data.
        validation: the items that are validated, on the device.
        settings: of the loop.
        curve: gets the rows.
        transfer: moves batches to the device.
    """

    def __init__(
        self,
        model: GenerativeModel,
        batches: ShuffledBatches,
        validation: Batch,
        settings: Settings,
        curve: CurveLogger,
        transfer: Transfer,
    ) -> None:
        self.model, self.average = model, MovingAverage(model, settings.average)
        self.batches, self.validation, self.settings, self.curve = batches, validation, settings, curve
        self.transfer, self.device = transfer, transfer.device
        self.fast = acceleration(settings, validation[0])
        self.fast.place(model)
        self.optimisers = [PlayerOptimiser(self.fast.player(player), settings) for player in model.players()]
        self.finite = FiniteCheck()
        self.step = 0
        self.best: Best | None = None

    def run(self, progress: StepLines, points: ResumePoints | None = None) -> tuple[Best, int]:
        """The best averaged weights, and the steps that were taken.

        Raises:
            DivergedError: a player's loss or gradient is not finite.
        """
        if points and (parts := points.load()):
            self.restore(parts)
            progress.resume(self.step)
        settings, numbers = self.settings, dict[str, float]()
        while self.step < settings.steps and not self._is_out_of_patience():
            self.step += 1
            self._round()
            self.average.update()
            if self.step % max(1, settings.steps // ROWS) == 0:
                self.finite.check()
                numbers = self.curve.flush(self.step)
            if self.step % settings.validate_every == 0 or self.step == settings.steps:
                self.finite.check()
                self._validate()
            progress.update(self.step, numbers)
            if points and points.due():
                self.finite.check()
                points.save(self.step, self.state())
        assert self.best
        return self.best, self.step

    def state(self) -> Parts:
        """All that a round or a validation changes, between two rounds."""
        parts = {
            "model": model_state(self.model),
            "average": self.average.state(),
            "batches": State(self.batches.position(), {}),
            "curve": self.curve.state(),
            "random": random_state(self.device),
            "loop": State({}, {"step": self.step, "best": self.best.step if self.best else None}),
            **{f"optimiser {place}": optimiser.state() for place, optimiser in enumerate(self.optimisers)},
        }
        if self.best:
            score = torch.tensor(self.best.score, dtype=torch.float64)  # may be infinite, which JSON cannot hold
            parts["best"] = State(self.best.weights, {})
            parts["score"] = State({"score": score}, {})
        return parts

    def restore(self, parts: Parts) -> None:
        """Go on from a state."""
        restore_model(self.model, parts["model"])
        self.average.restore(parts["average"])
        self.batches.go_to(parts["batches"].tensors)
        self.curve.restore(parts["curve"])
        for place, optimiser in enumerate(self.optimisers):
            optimiser.restore(parts[f"optimiser {place}"])
        loop = parts["loop"].values
        self.step = loop["step"]
        if loop["best"] is not None:
            score = parts["score"].tensors["score"].item()
            weights = {name: value.to(self.device) for name, value in parts["best"].tensors.items()}
            self.best = Best(score, loop["best"], weights)
        restore_random(parts["random"], self.device)

    def _round(self) -> None:
        try:
            with self.fast.arithmetic():
                for optimiser in self.optimisers:
                    for _ in range(optimiser.player.steps_per_round):
                        loss = optimiser.player.loss(*self.transfer.batch(next(self.batches)))
                        optimiser.step(loss, self.step, self.finite)
                        self.curve.record(optimiser.player.name, loss)
        except Exception:
            self.finite.check()  # weights that are no longer finite are the reason of many errors
            raise

    def _validate(self) -> None:
        model, score, batch_size = self.average.model, 0.0, self.settings.batch_size
        if isinstance(model, Bounded):
            score = mean_bound(model, self.validation, batch_size)
            self.curve.add(self.step, "validation", model.bound, score)
        if len(self.optimisers) > 1 or (isinstance(model, Bounded) and not model.validated_by_bound):
            distance = sample_distance(model, self.validation, batch_size)
            self.curve.add(self.step, "validation", SAMPLE_DISTANCE, distance)
        compares = self.settings.keep == "best" and isinstance(model, Bounded)
        if not (compares and self.best and self.best.score >= score):
            self.best = Best(score, self.step, self.average.weights())

    def _is_out_of_patience(self) -> bool:
        patience = self.settings.patience
        if not self.best or not patience:
            return False
        return self.step - self.best.step >= patience * self.settings.validate_every
