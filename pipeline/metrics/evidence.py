"""Everything that a metric may read of one trained model on one task; what several metrics share is computed once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from pipeline.contract import Batch, Bounded, GenerativeModel, Mixture, Task
from pipeline.metrics.likelihood import Likelihood, likelihood
from pipeline.metrics.manifold import Manifold, manifold
from pipeline.metrics.modes import Modes, modes


@dataclass(frozen=True)
class Settings:
    """How many of everything a number is made from."""

    samples: int
    draws: int
    chunk: int
    neighbours: int
    coverage_neighbours: int
    conditions: int
    repeats: int


@dataclass(frozen=True, eq=False)
class Evidence:
    """Real features and samples are as many as each other where the test split is large enough."""

    model: GenerativeModel
    task: Task
    test: Batch
    """The whole held-out split: x (T, *event), c (T, *condition)."""
    samples: Tensor
    """(M, *event) float32, images on the level grid."""
    train: Tensor
    """(R, D) float32 features of the training split."""
    real: Tensor
    """(N, D) float32 features of the first N test items."""
    fake: Tensor
    """(M, D) float32 features of the samples."""
    extractor: str
    """Name of the features, with the hash of its weights where it has any."""
    settings: Settings
    seed: int

    @property
    def truth(self) -> Mixture:
        """Raises `ValueError` where the task's truth is not known."""
        if self.task.truth is None:
            raise ValueError(f"the truth of task {self.task.name} is not known")
        return self.task.truth

    @cached_property
    def likelihood(self) -> Likelihood:
        """Of the test split. The draws are those of `seed`, whatever else was drawn before.

        Raises `ValueError` where the model knows none.
        """
        if not isinstance(self.model, Bounded):
            raise ValueError(f"{type(self.model).__name__} knows no likelihood")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            s = self.settings
            return likelihood(self.model, *self.test, draws=s.draws, chunk=s.chunk)

    @cached_property
    def manifold(self) -> Manifold:
        return manifold(
            real=self.real,
            fake=self.fake,
            neighbours=self.settings.neighbours,
            coverage_neighbours=self.settings.coverage_neighbours,
        )

    @cached_property
    def modes(self) -> Modes:
        return modes(truth=self.truth, fake=self.samples)
