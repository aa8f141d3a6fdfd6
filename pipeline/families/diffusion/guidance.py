"""Classifier-free guidance: one network for p(x | c) and p(x), and a step beyond the first, away from the second.

    prediction = f(z, t, 0) + w (f(z, t, c) - f(z, t, 0))

In training the context is dropped (zeros) for a share of the items; w = 1 is the conditional model, w > 1 turns it
towards what tells c from all else, w = 0 forgets c. (Ho & Salimans 2022, arXiv:2207.12598, with w = their w + 1.)
"""

from __future__ import annotations

import copy
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from pipeline.contract import Event, Forgets, SinglePlayer

Context = Any
"""The tensors that a condition's encoder makes, a NamedTuple (networks/condition.py)."""


class Guided(SinglePlayer, Forgets):
    """What diffusion's models share; `network`: (z (B, *event), t (B,) in [0, 1], context) -> (B, *event)."""

    knob: ClassVar[str | None] = "guidance"
    blind = False
    """Sees nothing of any condition: p(x)."""

    def __init__(self, event: Event, condition: nn.Module, network: nn.Module, drop: float) -> None:
        super().__init__()
        self.event, self.condition, self.network, self.drop = event, condition, network, drop

    def context(self, c: Tensor) -> Context:
        """What the network sees of c; in training nothing, for a share `drop` of the items."""
        context = self.condition(c)
        if self.blind:
            return faded(context, torch.zeros(len(c)))
        if not self.training or not self.condition.everywhere:
            return context
        return faded(context, (torch.rand(len(c)) >= self.drop).float())

    def unconditional(self) -> Self:
        view = copy.copy(self)
        view.blind = True
        return view

    def guided(self, z: Tensor, t: Tensor, context: Context, weight: float) -> Tensor:
        """The prediction at a guidance `weight`: one pass at 1 or without a condition, else two."""
        conditional: Tensor = self.network(z, t, context)
        if weight == 1 or not self.condition.everywhere:
            return conditional
        null = self.network(z, t, faded(context, torch.zeros(len(z))))
        return torch.lerp(null, conditional, weight)


def faded(context: Context, weight: Tensor) -> Context:
    """Every tensor of the context times weight (B,)."""
    return context._make(part * weight.view(-1, *[1] * (part.dim() - 1)) for part in context)
