"""What a critic pays for its slope g(x) = |grad_x D(x, c)|, a mean over a batch.

r1            g(x)^2 / 2        at real x                            Mescheder et al. 2018, 1801.04406, eq. 9
gradient      (g(x) - 1)^2      at x = u real + (1 - u) fake         Gulrajani et al. 2017, 1704.00028, eq. 3
                                with u ~ U[0, 1) for each x
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Penalty:
    """A price on the slope of the critic, and where it is measured."""

    where: Callable[[Tensor, Tensor], Tensor]
    """(real, fake), each (B, *event) -> x (B, *event)"""
    price: Callable[[Tensor], Tensor]
    """g(x)^2 (B,) -> (B,)"""

    def __call__(self, score: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
        """(), to be differentiated by the critic's parameters; `score` is x (B, *event) -> scores of any shape."""
        x = self.where(real, fake).detach().requires_grad_()
        (slope,) = torch.autograd.grad(score(x).sum(), x, create_graph=True)
        return self.price(slope.square().flatten(1).sum(-1)).mean()


def between(real: Tensor, fake: Tensor) -> Tensor:
    """A uniform point on the line from each fake x to a real one."""
    u = torch.rand(len(real), *[1] * (real.dim() - 1), dtype=real.dtype)
    return fake + u * (real - fake)


R1 = Penalty(lambda real, fake: real, lambda squared: squared / 2)
GRADIENT = Penalty(between, lambda squared: ((squared + 1e-12).sqrt() - 1).square())  # a root has no slope at 0
