"""Flow matching: a velocity that carries noise to data along straight lines, and the density that it carries.

    x_t = (1 - t) eps + t x,  eps ~ N(0, I)        loss  E |v(x_t, t) - (x - eps)|^2
    dx/dt = v(x, t):  x_0 ~ N(0, I)  ->  x_1       log p(x_1) = log N(x_0; 0, I) - int_0^1 tr(dv/dx) dt

The best v is the mean of x - eps given x_t, and its flow has the data's distribution at t = 1 (Lipman et al. 2022,
arXiv:2210.02747, with the optimal-transport path at sigma_min = 0; Liu et al. 2022, arXiv:2209.03003). Time runs as
t = 1 - (1 - s)^p in equal steps of s: for p > 1 it slows down towards the data, where modes of width w are told apart
only in the last 1 - t of order w.

What is known of the likelihood: on points the trace is exact, so log p is (but for the solver's error). On images one
random probe gives an unbiased draw of log p(v) of a dequantised v, and E_u log p(v) + log|dv/du| <= log P(x) by Jensen.
A draw's exponential is not unbiased: it is a draw of a bound, and no importance weight.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pipeline.contract import Bounded, Event, Exact, Loss
from pipeline.families.dequantise import dequantise, requantise
from pipeline.families.diffusion.guidance import Context, Guided
from pipeline.families.diffusion.ode import Field, signs, solve, still, traced, units
from pipeline.families.likelihood import standard_normal_log_prob


class FlowMatching(Guided):
    """What both events share; `network` predicts the velocity from x_t and s; `steps` of the solver; `power` is p."""

    def __init__(
        self, event: Event, condition: nn.Module, network: nn.Module, steps: int, power: float, drop: float
    ) -> None:
        super().__init__(event, condition, network, drop)
        self.steps, self.power = steps, power

    def regression(self, x: Tensor, c: Tensor) -> Loss:
        """The squared error of the velocity at times spread evenly over s, one draw of the noise."""
        s = (torch.rand(()) + torch.arange(len(x)) / len(x)) % 1
        t, eps = (1 - (1 - s) ** self.power).view(-1, *[1] * (x.dim() - 1)), torch.randn_like(x)
        velocity = self.network((1 - t) * eps + t * x, s, self.context(c))
        error = (velocity - (x - eps)).square().flatten(1).sum(-1).mean()
        return Loss(error, {"velocity_error": error})

    def field(self, context: Context, weight: float = 1.0) -> Field:
        """dx/ds = v dt/ds, v guided by `weight`."""

        def move(x: Tensor, s: Tensor) -> Tensor:
            slope = self.power * (1 - s) ** (self.power - 1)
            return slope * self.guided(x, s.expand(len(x)), context, weight)

        return move

    def carry(self, c: Tensor) -> Tensor:
        """One draw for each row of c, (B, *event): noise carried to t = 1."""
        noise, field = torch.randn(len(c), *self.event.shape), self.field(self.context(c), self.setting)
        return solve(still(field), noise, 0.0, 1.0, self.steps)[0]

    def density(self, x: Tensor, c: Tensor, probes: Tensor) -> Tensor:
        """(B,) nats: log p(x | c), its trace by the probes (K, B, *event)."""
        noise, change = solve(traced(self.field(self.context(c)), probes), x, 1.0, 0.0, self.steps)
        return standard_normal_log_prob(noise) + change


class PointFlowMatching(FlowMatching, Exact):
    """Flow matching on R^D."""

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        return self.regression(x, c)

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return self.density(x, c, units(x))

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        return self.carry(c)


class ImageFlowMatching(FlowMatching, Bounded):
    """Flow matching on dequantised levels."""

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        return self.regression(dequantise(x, self.event)[0], c)

    def elbo(self, x: Tensor, c: Tensor) -> Tensor:
        v, log_slope = dequantise(x, self.event)
        return self.density(v, c, signs(v)) + log_slope

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        return requantise(self.carry(c), self.event)
