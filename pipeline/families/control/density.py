"""Controls with an exact likelihood that need no training: the truth, noise and independent pixels.

oracle     the true mixture                          no model scores better, up to sampling noise
noise      uniform over the level grid, or a box     log2 L bits per dimension exactly
marginal   each pixel independent, as counted        what ignoring every correlation costs
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from pipeline.contract import Batch, Event, Exact, GenerativeModel, Mixture, Player
from pipeline.distributions.mixture import mixture_log_prob


class Untrained(GenerativeModel, Exact):
    """A density without players."""

    def players(self) -> tuple[Player, ...]:
        return ()


class Oracle(Untrained):
    """sum_k w_k N(mu_k, sigma^2 I)."""

    means: Tensor
    weights: Tensor

    def __init__(self, truth: Mixture) -> None:
        super().__init__()
        self.sigma = truth.sigma
        self.register_buffer("means", torch.tensor(truth.means))
        self.register_buffer("weights", torch.tensor(truth.weights))

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        log_sigma = torch.tensor(math.log(self.sigma), dtype=torch.float64)
        return mixture_log_prob(x.double(), self.means.double(), log_sigma, self.weights.double().log()).float()

    def sample(self, c: Tensor) -> Tensor:
        mode = torch.multinomial(self.weights, len(c), replacement=True)
        return self.means[mode] + self.sigma * torch.randn(len(c), self.means.shape[1], device=c.device)


class OneMode(GenerativeModel):
    """The first mode of the truth and no other: it has no likelihood, since it excludes nearly all of the data."""

    def __init__(self, truth: Mixture) -> None:
        super().__init__()
        self.oracle = Oracle(Mixture(truth.means[:1], truth.sigma, (1.0,)))

    def players(self) -> tuple[Player, ...]:
        return ()

    def sample(self, c: Tensor) -> Tensor:
        return self.oracle.sample(c)


class UniformBox(Untrained):
    """Uniform over the training data's bounding box, widened on each side by `margin` of its range."""

    low: Tensor
    high: Tensor

    def __init__(self, event: Event, margin: float) -> None:
        super().__init__()
        self.margin = margin
        self.register_buffer("low", torch.zeros(event.shape))
        self.register_buffer("high", torch.ones(event.shape))

    def calibrate(self, train: Iterable[Batch], validation: Iterable[Batch]) -> None:
        x = torch.cat([x for x, _ in train])
        low, high = x.amin(0), x.amax(0)
        self.low.copy_(low - self.margin * (high - low))
        self.high.copy_(high + self.margin * (high - low))

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        inside = ((x >= self.low) & (x <= self.high)).flatten(1).all(1)
        volume = -(self.high - self.low).log().sum().expand(len(x))
        return volume.masked_fill(~inside, -math.inf)

    def sample(self, c: Tensor) -> Tensor:
        return self.low + (self.high - self.low) * torch.rand(len(c), *self.low.shape, device=c.device)


class UniformLevels(Untrained):
    """Each level of each value equally likely."""

    def __init__(self, event: Event) -> None:
        super().__init__()
        self.event = event

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return torch.full((len(x),), -self.event.dims * math.log(self.event.grid), device=x.device)

    def sample(self, c: Tensor) -> Tensor:
        return self.event.value(torch.randint(self.event.grid, (len(c), *self.event.shape), device=c.device))


class Marginal(Untrained):
    """Each value from its own histogram over the training set, every count raised by `smoothing`."""

    log_p: Tensor

    def __init__(self, event: Event, smoothing: float) -> None:
        super().__init__()
        self.event, self.smoothing = event, smoothing
        self.register_buffer("log_p", torch.full((event.dims, event.grid), -math.log(event.grid)))

    def calibrate(self, train: Iterable[Batch], validation: Iterable[Batch]) -> None:
        levels = torch.cat([self.event.index(x).flatten(1) for x, _ in train])  # (N, D)
        counts = torch.nn.functional.one_hot(levels, self.event.grid).sum(0) + self.smoothing  # (D, L)
        self.log_p.copy_((counts / counts.sum(-1, keepdim=True)).log())

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        levels = self.event.index(x).flatten(1)  # (B, D)
        return self.log_p.expand(len(x), -1, -1).gather(2, levels[..., None])[..., 0].sum(-1)

    def sample(self, c: Tensor) -> Tensor:
        levels = torch.multinomial(self.log_p.exp(), len(c), replacement=True).T  # (B, D)
        return self.event.value(levels).view(len(c), *self.event.shape)
