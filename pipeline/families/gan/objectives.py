"""What the critic and the generator of an adversarial game descend.

With scores s = D(x) (logits), softplus(a) = log(1 + e^a), means over a batch:

                     critic                                          generator
    minimax          E softplus(-s_real) + E softplus(s_fake)        -E softplus(s_fake)        1406.2661, eq. 1
    nonsaturating    the same                                         E softplus(-s_fake)       1406.2661, sec. 3
    least_squares    E (s_real - 1)^2 / 2 + E s_fake^2 / 2            E (s_fake - 1)^2 / 2      1611.04076, eq. 9
    wasserstein      E s_fake - E s_real                              -E s_fake                 1701.07875, alg. 1
    hinge            E relu(1 - s_real) + E relu(1 + s_fake)          -E s_fake                 1705.02894
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

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
