"""Adversarial games: losses of the critic and the generator, and gradient penalties of the critic.

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

A penalty is computed in a random share of the steps and divided by that share, which is the same penalty on average, up
to gradient clipping (lazy regularisation: Karras et al. 2020, arXiv:1912.04958).

References (arXiv): Goodfellow et al. 2014, 1406.2661; Mao et al. 2017, 1611.04076; Arjovsky et al. 2017, 1701.07875;
Lim & Ye 2017, 1705.02894; Mescheder et al. 2018, 1801.04406; Gulrajani et al. 2017, 1704.00028.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.contract import Loss
from pipeline.distributions import host_draws

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


class Conditioned(nn.Module):
    """The network of one player with its own encoder of the condition: players share no parameter."""

    def __init__(self, condition: nn.Module, network: nn.Module) -> None:
        super().__init__()
        self.condition, self.network = condition, network

    def forward(self, value: Tensor, c: Tensor) -> Tensor:
        out: Tensor = self.network(value, self.condition(c))
        return out


@dataclass(frozen=True)
class Game:
    """The settings of the two-player game."""

    objective: Name
    steps_per_round: int = 1
    """Critic steps for each generator step."""
    penalty: Penalty | None = None
    weight: float = 0.0
    """Weight of the penalty."""
    share: float = 1.0
    """Share of the critic's steps with the penalty."""
    box: float = math.inf
    """The critic's parameters stay in [-box, box] (Arjovsky et al. 2017, arXiv:1701.07875)."""
    pack: int = 1
    """Items that the critic scores at once."""

    def critic_loss(self, critic: nn.Module, real: Tensor, fake: Tensor, c: Tensor) -> Loss:
        """real and fake (B, *event), without gradients, under the conditions c (B, *condition)."""
        scores = critic(torch.cat([real, fake]), torch.cat([c, c]))
        game = OBJECTIVES[self.objective].critic(*scores.chunk(2))
        parts = {"game": game}
        if self.penalty is None or host_draws.uniform() >= self.share:
            return Loss(game, parts)
        penalty = self.penalty(lambda u: critic(u, c), real, fake)
        return Loss(game + self.weight / self.share * penalty, parts | {"penalty": penalty})

    def generator_loss(self, critic: nn.Module, fake: Tensor, c: Tensor) -> Loss:
        """fake (B, *event), differentiable, under the conditions c (B, *condition)."""
        game = OBJECTIVES[self.objective].generator(critic(fake, c))
        return Loss(game, {"game": game})
