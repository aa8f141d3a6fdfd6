"""Parzen windows, the same Gaussian around each training point: p(x | c) = 1/N Σ_i N(x; x_i, h² I).

The sum is over the N training points of class c; h has the best likelihood of the validation split.
"""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from pipeline.contract import Batch, Exact, GenerativeModel, Player, Task
from pipeline.errors import UserError

__all__ = ["windows_points"]
WIDTHS = torch.logspace(-3, 0, 13)  # of the data's scale


class Windows(GenerativeModel, Exact):
    knob = "temperature"

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.event, self.code = task.event, math.prod(task.condition.shape)
        for name in ("x", "c"):
            self.register_buffer(name, nn.UninitializedBuffer())
        self.register_buffer("h", torch.ones(()))

    def players(self) -> tuple[Player, ...]:
        return ()  # nothing is learned by gradients

    def calibrate(self, train: Iterable[Batch], validation: Iterable[Batch]) -> None:
        self.x, self.c = (torch.cat(parts) for parts in zip(*train, strict=True))
        x, c = (torch.cat(parts)[:1000] for parts in zip(*validation, strict=True))
        self.h = max(self.event.scale * WIDTHS, key=lambda h: float(self._log_prob(x, c, h).mean()))

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return torch.cat([self._log_prob(*part, self.h) for part in zip(x.split(500), c.split(500), strict=True)])

    def sample(self, c: Tensor) -> Tensor:
        rows = torch.cat([torch.multinomial(self._near(part).float(), 1)[:, 0] for part in c.split(500)])
        return self.x[rows] + self.setting * self.h * torch.randn(len(c), *self.event.shape)

    def _log_prob(self, x: Tensor, c: Tensor, h: Tensor) -> Tensor:
        near = self._near(c)  # (B, N)
        distance = torch.cdist(x, self.x, compute_mode="donot_use_mm_for_euclid_dist")  # that loses digits near 0
        log_n = -0.5 * (distance / h) ** 2 - self.event.dims * (h.log() + 0.5 * math.log(2 * math.pi))
        return log_n.masked_fill(~near, -math.inf).logsumexp(1) - near.sum(1).log()

    def _near(self, c: Tensor) -> Tensor:
        near = c.reshape(len(c), 1, self.code) == self.c.reshape(1, len(self.c), self.code)
        return near.all(-1)  # (B, N); where there is no condition, all of them


def windows_points(task: Task) -> Windows:
    """Parzen windows (Parzen 1962, Ann. Math. Statist. 33). Equation: p(x | c) = 1/N Σ_i N(x; x_i, h² I)."""
    if task.condition.kind not in ("none", "class"):
        raise UserError(f"parzen answers no condition or a class, and task {task.name} has a {task.condition.kind}")
    return Windows(task)
