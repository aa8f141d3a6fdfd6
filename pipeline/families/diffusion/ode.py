"""An ordinary differential equation dx/ds = f(x, s), solved, and how it changes volume.

    x(b) = x(a) + int_a^b f ds          log |det dx(b)/dx(a)| = int_a^b tr(df/dx) ds

The second is the instantaneous change of variables (Chen et al. 2018, arXiv:1806.07366). Both are advanced together by
the classical Runge-Kutta method on equal steps, whose error falls with the fourth power of their number. The trace is

    tr J = sum_i e_i^T J e_i = E[n^T J n],  E[n n^T] = I

so the unit vectors as probes make it exact, at one backward pass each, and one random vector of signs makes it
unbiased (Hutchinson's estimator; Grathwohl et al. 2018, arXiv:1810.01367).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Field = Callable[[Tensor, Tensor], Tensor]
"""(x (B, *event), s ()) -> dx/ds (B, *event)."""
Flow = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""(x (B, *event), s ()) -> dx/ds (B, *event) and the rate of log volume (B,)."""


def units(x: Tensor) -> Tensor:
    """The probes of the exact trace: x (B, *event) -> (D, B, *event)."""
    dims = x[0].numel()
    return torch.eye(dims, dtype=x.dtype).view(dims, 1, *x.shape[1:]).expand(-1, *x.shape)


def signs(x: Tensor) -> Tensor:
    """One random probe with entries of +-1: x (B, *event) -> (1, B, *event)."""
    return torch.randint(0, 2, (1, *x.shape)).to(x.dtype) * 2 - 1


def still(field: Field) -> Flow:
    """The field alone, when nobody asks for the volume."""
    return lambda x, s: (field(x, s), x.new_zeros(len(x)))


def traced(field: Field, probes: Tensor) -> Flow:
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
        move, growth = _step(flow, x, torch.tensor(start + k * step, dtype=x.dtype), step)
        x, change = x + move, change + growth
    return x, change


def _step(flow: Flow, x: Tensor, s: Tensor, step: float) -> tuple[Tensor, Tensor]:
    v1, d1 = flow(x, s)
    v2, d2 = flow(x + step / 2 * v1, s + step / 2)
    v3, d3 = flow(x + step / 2 * v2, s + step / 2)
    v4, d4 = flow(x + step * v3, s + step)
    return step / 6 * (v1 + 2 * v2 + 2 * v3 + v4), step / 6 * (d1 + 2 * d2 + 2 * d3 + d4)
