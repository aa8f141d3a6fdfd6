"""One AdamW for each player, with warm-up, decay and clipping (Loshchilov & Hutter 2019, arXiv:1711.05101)."""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from pipeline.contract import Loss, Player


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
