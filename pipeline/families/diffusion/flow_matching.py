"""Flow matching: a velocity field that transports noise to data along straight lines, and the density of its flow.

    x_t = (1 - t) eps + t x,  eps ~ N(0, I)        loss  E |v(x_t, t) - (x - eps)|^2
    dx/dt = v(x, t):  x_0 ~ N(0, I)  ->  x_1       log p(x_1) = log N(x_0; 0, I) - int_0^1 tr(dv/dx) dt

The optimal v is the mean of x - eps given x_t, and its flow has the data's distribution at t = 1 (Lipman et al. 2022,
arXiv:2210.02747, with the optimal-transport path at sigma_min = 0; Liu et al. 2022, arXiv:2209.03003). Time runs as
t = 1 - (1 - s)^p in equal steps of s: for p > 1 it slows down towards the data, where modes of width w separate only in
the last 1 - t of order w.

The integral is the instantaneous change of variables (Chen et al. 2018, arXiv:1806.07366). The solver, classical
Runge-Kutta on equal steps, has an error of the fourth order in the step. The trace is

    tr J = sum_i e_i^T J e_i = E[n^T J n],  E[n n^T] = I

so that unit vectors as probes make it exact, at one backward pass each, and one random vector of signs makes it
unbiased (Hutchinson's estimator; Grathwohl et al. 2018, arXiv:1810.01367).

On points the trace, hence log p, is exact up to the solver's error. On images and sequences one random probe gives an
unbiased draw of log p(v). Of levels v is dequantised, and E_u log p(v) + log|dv/du| <= log P(x) by Jensen's inequality.
The exponential of a draw is not unbiased: it is a draw of a bound, and no importance weight.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from pipeline.contract import Bounded, Event, Exact, Loss
from pipeline.distributions.dequantisation import dequantise, requantise
from pipeline.distributions.likelihood import standard_normal_log_prob
from pipeline.families.diffusion.guidance import Context, GuidedModel
from pipeline.families.diffusion.training_times import evenly_spread

Field = Callable[[Tensor, Tensor], Tensor]
"""(x (B, *event), s ()) -> dx/ds (B, *event)."""
Flow = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""(x (B, *event), s ()) -> dx/ds (B, *event) and the rate of log volume (B,)."""


def unit_probes(x: Tensor) -> Tensor:
    """The probes of the exact trace: x (B, *event) -> (D, B, *event)."""
    dims = x[0].numel()
    return torch.eye(dims, dtype=x.dtype, device=x.device).view(dims, 1, *x.shape[1:]).expand(-1, *x.shape)


def random_sign_probe(x: Tensor) -> Tensor:
    """One random probe with entries of +-1: x (B, *event) -> (1, B, *event)."""
    return torch.randint(0, 2, (1, *x.shape), device=x.device).to(x.dtype) * 2 - 1


def without_trace(field: Field) -> Flow:
    """The field alone, with a rate of log volume of zero."""
    return lambda x, s: (field(x, s), x.new_zeros(len(x)))


def with_trace(field: Field, probes: Tensor) -> Flow:
    """The field, and the sum of n^T (df/dx) n over the probes n (K, B, *event)."""

    @torch.enable_grad()
    def flow(x: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        x = x.detach().requires_grad_()
        velocity = field(x, s)
        trace = x.new_zeros(len(x))
        for n in probes:
            (pulled,) = torch.autograd.grad(velocity, x, n, retain_graph=True)  # n^T df/dx
            trace = trace + (pulled * n).flatten(1).sum(-1)
        return velocity.detach(), trace.detach()

    return flow


def solve(flow: Flow, x: Tensor, start: float, end: float, steps: int) -> tuple[Tensor, Tensor]:
    """x at `start` -> x at `end` (B, *event), and the log volume's change on the way (B,)."""
    change = x.new_zeros(len(x))
    step = (end - start) / steps
    for k in range(steps):
        move, growth = _step(flow, x, x.new_full((), start + k * step), step)
        x, change = x + move, change + growth
    return x, change


def _step(flow: Flow, x: Tensor, s: Tensor, step: float) -> tuple[Tensor, Tensor]:
    v1, d1 = flow(x, s)
    v2, d2 = flow(x + step / 2 * v1, s + step / 2)
    v3, d3 = flow(x + step / 2 * v2, s + step / 2)
    v4, d4 = flow(x + step * v3, s + step)
    return step / 6 * (v1 + 2 * v2 + 2 * v3 + v4), step / 6 * (d1 + 2 * d2 + 2 * d3 + d4)


class FlowMatching(GuidedModel):
    """Base class; `network` predicts the velocity from x_t and s, `steps` is of the solver, `power` is p."""

    def __init__(
        self, event: Event, condition: nn.Module, network: nn.Module, steps: int, power: float, drop: float
    ) -> None:
        super().__init__(event, condition, network, drop)
        self.steps, self.power = steps, power

    def regression(self, x: Tensor, c: Tensor) -> Loss:
        """The squared error of the velocity at times spread evenly over s, one draw of the noise."""
        s = evenly_spread(len(x), x.device)
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

    def transport(self, c: Tensor) -> Tensor:
        """One draw for each row of c, (B, *event): noise transported to t = 1."""
        noise = torch.randn(len(c), *self.event.shape, device=c.device)
        field = self.field(self.context(c), self.setting)
        return solve(without_trace(field), noise, 0.0, 1.0, self.steps)[0]

    def density(self, x: Tensor, c: Tensor, probes: Tensor) -> Tensor:
        """(B,) nats: log p(x | c), its trace by the probes (K, B, *event)."""
        noise, change = solve(with_trace(self.field(self.context(c)), probes), x, 1.0, 0.0, self.steps)
        return standard_normal_log_prob(noise) + change


class PointFlowMatching(FlowMatching, Exact):
    """Flow matching on R^D."""

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        return self.regression(x, c)

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return self.density(x, c, unit_probes(x))

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        return self.transport(c)


class HutchinsonFlowMatching(FlowMatching, Bounded):
    """Flow matching on real values, or on dequantised levels, its trace by one random probe."""

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        return self.regression(self._continuous(x)[0], c)

    def elbo(self, x: Tensor, c: Tensor) -> Tensor:
        v, log_slope = self._continuous(x)
        return self.density(v, c, random_sign_probe(v)) + log_slope

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        x = self.transport(c)
        return x if self.event.levels is None else requantise(x, self.event)

    def _continuous(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x -> (v, log|dv/du|); real values are themselves."""
        return (x, x.new_zeros(len(x))) if self.event.levels is None else dequantise(x, self.event)
