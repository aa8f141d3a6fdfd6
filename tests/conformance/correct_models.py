"""Models that pass all laws; the tests subclass them to break one."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pipeline.contract import Exact, Loss, Reconstructs, SinglePlayer, Task, Weighted
from pipeline.errors import UserError


class Gaussian(SinglePlayer, Exact, Reconstructs):
    """p(x | c) = N(x; centre + c slope, 1): points only, no condition or a box."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        if task.event.kind != "points" or task.condition.kind == "class":
            raise UserError("points only, and no class")
        self.centre = nn.Parameter(torch.zeros(2))
        self.slope = nn.Parameter(torch.randn(task.condition.shape[0], 2))

    def mean(self, c: Tensor) -> Tensor:
        return self.centre + c @ self.slope

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return torch.distributions.Normal(self.mean(c), 1.0).log_prob(x).sum(-1)

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        nll = -self.log_prob(x, c).mean()
        return Loss(nll, {"nll": nll})

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        return self.mean(c) + torch.randn(len(c), 2)

    def encode(self, x: Tensor, c: Tensor) -> Tensor:
        return x

    def decode(self, z: Tensor, c: Tensor) -> Tensor:
        return z


class Estimated(SinglePlayer, Weighted):
    """A Gaussian whose likelihood is estimated: E[exp(n - 1/2)] = 1, n ~ N(0, 1)."""

    correction = 0.5

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.gaussian = Gaussian(task)

    def log_weight(self, x: Tensor, c: Tensor) -> Tensor:
        return self.gaussian.log_prob(x, c) + torch.randn(len(x)) - self.correction

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        return self.gaussian.loss(x, c)

    def sample(self, c: Tensor) -> Tensor:
        return self.gaussian.sample(c)


class Pixels(SinglePlayer, Exact):
    """Independent pixels, logits linear in the value of a grey map there; grey images with such a map only."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        if task.condition.kind != "grayscale":
            raise UserError("grey maps only")
        self.event = task.event
        self.logits, self.slope = nn.Parameter(torch.zeros(task.event.grid)), nn.Parameter(torch.randn(task.event.grid))

    def log_p(self, c: Tensor) -> Tensor:
        """(B, 1, H, W, L)."""
        return (self.logits + c[..., None] * self.slope).log_softmax(-1)

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return self.log_p(c).gather(-1, self.event.index(x)[..., None]).flatten(1).sum(-1)

    def loss(self, x: Tensor, c: Tensor) -> Loss:
        nll = -self.log_prob(x, c).mean()
        return Loss(nll, {"nll": nll})

    @torch.no_grad()
    def sample(self, c: Tensor) -> Tensor:
        return self.event.value(torch.distributions.Categorical(logits=self.log_p(c)).sample())
