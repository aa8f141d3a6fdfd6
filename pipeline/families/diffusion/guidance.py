"""Classifier-free guidance: one network for p(x | c) and p(x), extrapolated from the second through the first.

    prediction = f(z, t, 0) + w (f(z, t, c) - f(z, t, 0))

In training the context is dropped (zeros) for a share of the items. w = 1 is the conditional model, w = 0 the
unconditional one, w > 1 moves samples towards what is typical of c alone.

References:
    Ho & Salimans 2022, arXiv:2207.12598, with w = their w + 1.
"""

from __future__ import annotations

import copy
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from pipeline.contract import Event, SinglePlayer, SupportsUnconditional

Context = Any
"""The output of a condition's encoder, a NamedTuple of tensors (networks/condition.py)."""


class GuidedModel(SinglePlayer, SupportsUnconditional):
    """Base of the diffusion models; `network`: (z (B, *event), t (B,) in [0, 1], context) -> (B, *event)."""

    knob: ClassVar[str | None] = "guidance"
    blind = False
    """Whether the model drops every condition: p(x)."""

    def __init__(self, event: Event, condition: nn.Module, network: nn.Module, drop: float) -> None:
        super().__init__()
        self.event, self.condition, self.network, self.drop = event, condition, network, drop

    def context(self, c: Tensor) -> Context:
        """The encoded c; zeros in training for a share `drop` of the items."""
        context = self.condition(c)
        if self.blind:
            return scale_context(context, torch.zeros(len(c), device=c.device))
        if not self.training or not self.condition.everywhere:
            return context
        return scale_context(context, (torch.rand(len(c), device=c.device) >= self.drop).float())

    def unconditional(self) -> Self:
        view = copy.copy(self)
        view.blind = True
        return view

    def guided(self, z: Tensor, t: Tensor, context: Context, weight: float) -> Tensor:
        """The prediction at a guidance `weight`: one pass at 1 or without a condition, else two."""
        conditional: Tensor = self.network(z, t, context)
        if weight == 1 or not self.condition.everywhere:
            return conditional
        null = self.network(z, t, scale_context(context, z.new_zeros(len(z))))
        return torch.lerp(null, conditional, weight)


def scale_context(context: Context, weight: Tensor) -> Context:
    """Every tensor of the context times weight (B,)."""
    return context._make(part * weight.view(-1, *[1] * (part.dim() - 1)) for part in context)
