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
from pipeline.training.resume import State, model_state, restore_model

TENSORS = 512
"""Losses and norms that are kept one by one before they become one tensor."""


class OptimiserSettings(Protocol):
    """The settings of an optimiser; `pipeline.params.Training` has them. `steps` and `warmup` count rounds."""

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


class FiniteCheck:
    """Losses and norms of gradients, kept on their device until `check` looks for the first that is not finite."""

    def __init__(self) -> None:
        self._where: list[tuple[int, str]] = []
        self._values: list[Tensor] = []
        self._finite: list[Tensor] = []

    def record(self, step: int, player: str, value: Tensor) -> None:
        """Keep a value of a player's step, a tensor of one element."""
        self._where.append((step, player))
        self._values.append(value.detach().reshape(()))
        if len(self._values) == TENSORS:
            self._reduce()

    def check(self) -> None:
        """Wait for the device, look at all values since the last check, and forget them.

        Raises:
            DivergedError: one of them is not finite.
        """
        self._reduce()
        finite = torch.cat(self._finite).tolist() if self._finite else []
        where = [place for place, good in zip(self._where, finite, strict=True) if not good]
        self._where, self._finite = [], []
        if where:
            raise DivergedError(*where[0])

    def _reduce(self) -> None:
        if self._values:
            self._finite.append(torch.stack(self._values).isfinite())
            self._values = []


class PlayerOptimiser:
    """The optimiser of one player's parameters."""

    def __init__(self, player: Player, settings: OptimiserSettings) -> None:
        self.player, self.clip = player, settings.clip
        self.adam = AdamW(
            player.params, settings.learning_rate, settings.betas, weight_decay=settings.weight_decay, fused=True
        )
        self.schedule = LambdaLR(
            self.adam, lambda step: learning_rate_factor(step // player.steps_per_round, settings)
        )  # settings count rounds

    def step(self, loss: Loss, number: int, finite: FiniteCheck) -> None:
        """One update of this player's parameters; `finite` gets the loss and the norm of its gradient."""
        finite.record(number, self.player.name, loss.total)
        self.adam.zero_grad(set_to_none=True)
        loss.total.backward(inputs=self.player.params)
        norm = torch.nn.utils.clip_grad_norm_(self.player.params, self.clip or math.inf)
        finite.record(number, self.player.name, norm)
        self.adam.step()
        self.schedule.step()

    def state(self) -> State:
        """The moments of each parameter, the learning rate and the place in its schedule."""
        adam = self.adam.state_dict()
        moments = {f"{place}.{name}": value for place, each in adam["state"].items() for name, value in each.items()}
        schedule = {key: value for key, value in self.schedule.state_dict().items() if key != "lr_lambdas"}
        return State(moments, {"rates": [group["lr"] for group in adam["param_groups"]], "schedule": schedule})

    def restore(self, state: State) -> None:
        """Go on from a `state`; moments get the memory layout of their parameter, which a fused update relies on."""
        each: dict[int, dict[str, Tensor]] = {}
        for key, value in state.tensors.items():
            place, name = key.split(".", 1)
            parameter = self.player.params[int(place)]
            if name != "step":
                value = torch.empty_like(parameter, requires_grad=False).copy_(value)
            each.setdefault(int(place), {})[name] = value
        groups = self.adam.state_dict()["param_groups"]
        for group, rate in zip(groups, state.values["rates"], strict=True):
            group["lr"] = rate
        self.adam.load_state_dict({"state": each, "param_groups": groups})
        self.schedule.load_state_dict(state.values["schedule"] | {"lr_lambdas": [None]})


def learning_rate_factor(step: int, settings: OptimiserSettings) -> float:
    """The factor of the learning rate at a step: linear warm-up, then constant or half a cosine to zero."""
    if step < settings.warmup:
        return (step + 1) / (settings.warmup + 1)
    if settings.decay == "constant":
        return 1.0
    progress = (step - settings.warmup) / max(1, settings.steps - settings.warmup)
    return 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))


class MovingAverage:
    """`model` is a copy of `source` with averaged weights, in evaluation mode."""

    def __init__(self, source: GenerativeModel, decay: float) -> None:
        self.model, self.decay, self.updates = copy.deepcopy(source).eval().requires_grad_(False), decay, 0
        self._averaged: list[Tensor] = list(self.model.parameters())
        self._source: list[Tensor] = list(source.parameters())
        self._buffers = list(zip(self.model.buffers(), source.buffers(), strict=True))

    @torch.no_grad()
    def update(self) -> None:
        self.updates += 1
        decay = min(self.decay, self.updates / (10 + self.updates))
        torch._foreach_lerp_(self._averaged, self._source, 1 - decay)
        for averaged, source in self._buffers:
            averaged.copy_(source)

    def weights(self) -> dict[str, Tensor]:
        """A copy of the averaged weights."""
        return {name: value.clone() for name, value in self.model.state_dict().items()}

    def state(self) -> State:
        """The averaged weights and the number of updates."""
        model = model_state(self.model)
        return State(model.tensors, {"updates": self.updates, "modules": model.values})

    def restore(self, state: State) -> None:
        """Go on from a `state`."""
        restore_model(self.model, State(state.tensors, state.values["modules"]))
        self.updates = state.values["updates"]
