"""One AdamW for each player, with warm-up, decay and clipping, and the moving average of a model's weights.

The average is what is validated, saved and scored:

    a <- a + (1 - d_n) (w - a),    d_n = min(d, (1 + n) / (10 + n))

Its decay d_n increases from 0.1, so that the first, random weights are forgotten.

References:
    AdamW: Loshchilov & Hutter 2019, arXiv:1711.05101. Averaging: Polyak & Juditsky 1992.
"""

from __future__ import annotations

import copy
import math
from typing import Protocol

import torch
from torch import Tensor
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from pipeline.contract import GenerativeModel, Loss, Player


class Schedule(Protocol):
    """The settings that an optimiser reads; `pipeline.params.Training` has them."""

    @property
    def steps(self) -> int: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def betas(self) -> tuple[float, float]: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def warmup(self) -> int: ...
    @property
    def decay(self) -> str: ...
    @property
    def clip(self) -> float | None: ...


class DivergedError(Exception):
    """A loss or a gradient is no longer finite."""

    def __init__(self, step: int, player: str) -> None:
        super().__init__(f"{player}'s loss or gradient is not finite at step {step}")
        self.step, self.player = step, player


class PlayerOptimiser:
    """Moves one player down its loss."""

    def __init__(self, player: Player, settings: Schedule) -> None:
        self.player, self.clip = player, settings.clip
        self.adam = AdamW(
            player.params, settings.learning_rate, settings.betas, weight_decay=settings.weight_decay, fused=True
        )
        self.schedule = LambdaLR(self.adam, lambda step: rate(step // player.turns, settings))  # settings count rounds

    def step(self, loss: Loss, number: int) -> None:
        """One update; only this player's gradients are touched.

        Raises:
            DivergedError: the loss or its gradient is not finite.
        """
        if not math.isfinite(loss.total.item()):
            raise DivergedError(number, self.player.name)
        self.adam.zero_grad(set_to_none=True)
        loss.total.backward(inputs=self.player.params)
        norm = torch.nn.utils.clip_grad_norm_(self.player.params, self.clip or math.inf)
        if not math.isfinite(norm.item()):
            raise DivergedError(number, self.player.name)
        self.adam.step()
        self.schedule.step()


def rate(step: int, settings: Schedule) -> float:
    """The share of the full learning rate at a step: linear warm-up, then constant or half a cosine to zero."""
    if step < settings.warmup:
        return (step + 1) / (settings.warmup + 1)
    if settings.decay == "constant":
        return 1.0
    progress = (step - settings.warmup) / max(1, settings.steps - settings.warmup)
    return 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))


class Average:
    """Follows `source`; `model` is its averaged copy, in evaluation mode."""

    def __init__(self, source: GenerativeModel, decay: float) -> None:
        self.model, self.decay, self.updates = copy.deepcopy(source).eval().requires_grad_(False), decay, 0
        self._ours: list[Tensor] = list(self.model.parameters())
        self._theirs: list[Tensor] = list(source.parameters())
        self._buffers = list(zip(self.model.buffers(), source.buffers(), strict=True))

    @torch.no_grad()
    def update(self) -> None:
        self.updates += 1
        decay = min(self.decay, self.updates / (10 + self.updates))
        torch._foreach_lerp_(self._ours, self._theirs, 1 - decay)
        for ours, theirs in self._buffers:
            ours.copy_(theirs)

    def state(self) -> dict[str, Tensor]:
        """A copy of the averaged weights."""
        return {name: value.clone() for name, value in self.model.state_dict().items()}
