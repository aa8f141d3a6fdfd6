"""Losses of the critic and the generator, and gradient penalties of the critic.

With scores s = D(x) (logits), softplus(a) = log(1 + e^a), means over a batch:

                     critic                                          generator
    minimax          E softplus(-s_real) + E softplus(s_fake)        -E softplus(s_fake)        1406.2661, eq. 1
    nonsaturating    the same                                         E softplus(-s_fake)       1406.2661, sec. 3
    least_squares    E (s_real - 1)^2 / 2 + E s_fake^2 / 2            E (s_fake - 1)^2 / 2      1611.04076, eq. 9
    wasserstein      E s_fake - E s_real                              -E s_fake                 1701.07875, alg. 1
    hinge            E relu(1 - s_real) + E relu(1 + s_fake)          -E s_fake                 1705.02894

With the gradient norm g(x) = |grad_x D(x, c)|, means over a batch:

    R1               g(x)^2 / 2      at real x                                                  1801.04406, eq. 9
    GRADIENT         (g(x) - 1)^2    at x = u real + (1 - u) fake, u ~ U[0, 1) for each item    1704.00028, eq. 3

References (arXiv): Goodfellow et al. 2014, 1406.2661; Mao et al. 2017, 1611.04076; Arjovsky et al. 2017, 1701.07875;
Lim & Ye 2017, 1705.02894; Mescheder et al. 2018, 1801.04406; Gulrajani et al. 2017, 1704.00028.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Name = Literal["minimax", "nonsaturating", "least_squares", "wasserstein", "hinge"]


@dataclass(frozen=True)
class Objective:
    """Scores (B,) -> loss ()."""

    critic: Callable[[Tensor, Tensor], Tensor]
    """(real scores, fake scores)"""
    generator: Callable[[Tensor], Tensor]
    """(fake scores)"""


def _cross_entropy(real: Tensor, fake: Tensor) -> Tensor:
    return F.softplus(-real).mean() + F.softplus(fake).mean()


OBJECTIVES: dict[str, Objective] = {
    "minimax": Objective(_cross_entropy, lambda fake: -F.softplus(fake).mean()),
    "nonsaturating": Objective(_cross_entropy, lambda fake: F.softplus(-fake).mean()),
    "least_squares": Objective(
        lambda real, fake: ((real - 1).square().mean() + fake.square().mean()) / 2,
        lambda fake: (fake - 1).square().mean() / 2,
    ),
    "wasserstein": Objective(lambda real, fake: fake.mean() - real.mean(), lambda fake: -fake.mean()),
    "hinge": Objective(lambda real, fake: F.relu(1 - real).mean() + F.relu(1 + fake).mean(), lambda fake: -fake.mean()),
}


@dataclass(frozen=True)
class Penalty:
    """A function of the gradient norm of the critic, and the points where it is evaluated."""

    where: Callable[[Tensor, Tensor], Tensor]
    """(real, fake), each (B, *event) -> x (B, *event)"""
    cost: Callable[[Tensor], Tensor]
    """g(x)^2 (B,) -> (B,)"""

    def __call__(self, score: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
        """(), to be differentiated by the critic's parameters; `score` is x (B, *event) -> scores of any shape."""
        x = self.where(real, fake).detach().requires_grad_()
        (slope,) = torch.autograd.grad(score(x).sum(), x, create_graph=True)
        return self.cost(slope.square().flatten(1).sum(-1)).mean()


def between(real: Tensor, fake: Tensor) -> Tensor:
    """A uniform point on the line from each fake x to a real one."""
    u = torch.rand(len(real), *[1] * (real.dim() - 1), dtype=real.dtype, device=real.device)
    return fake + u * (real - fake)


R1 = Penalty(lambda real, fake: real, lambda squared: squared / 2)
GRADIENT = Penalty(
    between, lambda squared: ((squared + 1e-12).sqrt() - 1).square()
)  # the square root has no derivative at 0
