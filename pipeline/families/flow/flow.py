"""Normalising flows: a density is a standard normal seen through an invertible map.

    log p(x | c) = log N(f(x; c); 0, I) + log|det df/dx|

On points that is the model. On images the data are levels, so a flow scores them through dequantisation: its
importance weights have the bin's mass as their mean (`families/dequantise.py`).
(Rezende & Mohamed 2015, arXiv:1505.05770; Dinh et al. 2017, arXiv:1605.08803.)
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from pipeline.contract import Event, Exact, Loss, SinglePlayer, Weighted
from pipeline.families.dequantise import dequantise, requantise
from pipeline.families.flow.bijection import Bijection
from pipeline.families.likelihood import standard_normal_log_prob


class Chain(Bijection):
    """One bijection after another; all see the same context."""

    def __init__(self, steps: list[Bijection]) -> None:
        super().__init__()
        self.steps = nn.ModuleList(steps)

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        log_det = x.new_zeros(len(x))
        for step in self.steps:
            x, change = step(x, h)
            log_det = log_det + change
        return x, log_det

    def inverse(self, z: Tensor, h: Tensor) -> Tensor:
        for step in reversed(self.steps):
            assert isinstance(step, Bijection)
            z = step.inverse(z, h)
        return z


class PointFlow(SinglePlayer, Exact):
    """A flow on R^D."""

    def __init__(self, event: Event, condition: nn.Module, bijection: Bijection) -> None:
        super().__init__()
        self.event, self.condition, self.bijection = event, condition, bijection

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        z, log_det = self.bijection(x, self.condition(c).flat())
        return standard_normal_log_prob(z) + log_det

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        nll = -self.log_prob(x, c).mean()
        return Loss(nll, {"nll": nll})

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        return self.bijection.inverse(torch.randn(len(c), *self.event.shape), self.condition(c).flat())


class ImageFlow(SinglePlayer, Weighted):
    """A flow on dequantised levels; `bijection` ends in (B, D)."""

    def __init__(self, event: Event, condition: nn.Module, bijection: Bijection) -> None:
        super().__init__()
        self.event, self.condition, self.bijection = event, condition, bijection

    def log_weight(self, x: Tensor, c: Tensor) -> Tensor:
        v, log_slope = dequantise(x, self.event)
        z, log_det = self.bijection(v, self.condition(c).everywhere())
        return standard_normal_log_prob(z) + log_det + log_slope

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        nll = -self.log_weight(x, c).mean()
        return Loss(nll, {"nll": nll})

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        z = torch.randn(len(c), self.event.dims)
        return requantise(self.bijection.inverse(z, self.condition(c).everywhere()), self.event)


class MultiScale(Bijection):
    """Half of the channels leave after each scale but the last (arXiv:1605.08803, section 3.6).

    x (B, C, H, W) <-> z (B, C H W). Each scale but the last squeezes once, so it hands on and lets go (2 C, H/2, W/2).
    """

    def __init__(self, event: Event, scales: list[Chain]) -> None:
        super().__init__()
        self.scales = nn.ModuleList(scales)
        channels, height, width = event.shape
        self.shapes = [(channels << i, height >> i, width >> i) for i in range(1, len(scales))]
        self.shapes.append(self.shapes[-1] if self.shapes else (channels, height, width))

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        parts: list[Tensor] = []
        log_det = x.new_zeros(len(x))
        for scale in self.scales:
            x, change = scale(x, h)
            log_det = log_det + change
            if len(parts) < len(self.scales) - 1:
                x, out = x.chunk(2, dim=1)
                parts.append(out.flatten(1))
        return torch.cat([*parts, x.flatten(1)], dim=1), log_det

    def inverse(self, z: Tensor, h: Tensor) -> Tensor:
        parts = list(z.split([math.prod(shape) for shape in self.shapes], dim=1))
        x = parts.pop().view(-1, *self.shapes[-1])
        for i, scale in reversed(list(enumerate(self.scales))):
            assert isinstance(scale, Chain)
            if i < len(self.scales) - 1:
                x = torch.cat([x, parts.pop().view_as(x)], dim=1)
            x = scale.inverse(x, h)
        return x
