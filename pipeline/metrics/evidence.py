"""Everything that a metric may read of one trained model on one task; what several metrics share is computed once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from pipeline import hardware
from pipeline.contract import Batch, Bounded, Exact, Forgets, GenerativeModel, Mixture, Reconstructs, Task
from pipeline.metrics import factors, half_samples, modes, prd
from pipeline.metrics.bootstrap import Bootstrap
from pipeline.metrics.classwise import Classwise, classwise
from pipeline.metrics.diversity import diversity
from pipeline.metrics.finite import check_finite
from pipeline.metrics.half_samples import Halves, Scores
from pipeline.metrics.judge import Judge
from pipeline.metrics.likelihood import Likelihood, likelihood, log_prob
from pipeline.metrics.manifold import Manifold, Memberships, memberships, shares
from pipeline.metrics.memory import authentic
from pipeline.metrics.modes import WITHIN, Histogram, Visits, log_density, nearest_mode, visits
from pipeline.metrics.obedience import shuffled
from pipeline.metrics.prd import ANGLES, PRD, Cells
from pipeline.metrics.reconstruction import reconstruction_error, restoration_error
from pipeline.metrics.settings import Settings


@dataclass(frozen=True, eq=False)
class Evidence:
    """Real features and samples are as many as each other where the test split is large enough."""

    model: GenerativeModel
    task: Task
    test: Batch
    """The whole held-out split: x (T, *event), c (T, *condition)."""
    samples: Tensor
    """(M, *event) float32, images on the level grid."""
    many: Tensor
    """(L, *event), L >= M: those and more, where modes are counted in more."""
    c: Tensor
    """(M, *condition): what each sample was made under."""
    train: Tensor
    """(R, D) float32 features of the training split."""
    real: Tensor
    """(N, D) float32 features of the first N test items."""
    fake: Tensor
    """(M, D) float32 features of the samples."""
    repeated: Tensor
    """(K, R, D) float32 features of R samples for each of K conditions held fixed; K = 0 without a condition."""
    judges: Mapping[str, Judge]
    """By kind: of the task's condition, and of its factors."""
    extractor: str
    """Name of the features, with the hash of its weights where it has any."""
    settings: Settings
    seed: int
    sources: Tensor | None = None
    """(T, R) long: what the test items are made of, where some share a source; None if they are independent."""

    def __post_init__(self) -> None:
        """Raises `FloatingPointError` where an item is not finite: every metric is computed from these."""
        check_finite(self.test[0], "test item")
        check_finite(self.many, "sample")
        for side in ("train", "real", "fake", "repeated"):
            check_finite(getattr(self, side), f"the feature vector of {side} item")

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
        return self._likelihood(self.model, *self.test)

    @cached_property
    def unconditional(self) -> Likelihood:
        """Of the first `settings.samples` test items under the model that has forgotten its condition.

        WHY not of all: it costs a diffusion model as much as everything else together.
        Raises `ValueError` where the model cannot forget, or then knows none.
        """
        if not isinstance(self.model, Forgets):
            raise ValueError(f"{type(self.model).__name__} does not forget its condition")
        x, c = self.test
        return self._likelihood(self.model.unconditional(), x[: self.settings.samples], c[: self.settings.samples])

    def _likelihood(self, model: GenerativeModel, x: Tensor, c: Tensor) -> Likelihood:
        if not isinstance(model, Bounded):
            raise ValueError(f"{type(model).__name__} knows no likelihood")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            chunk = hardware.batch_size(len(x), self.settings.chunk)
            return likelihood(model, x, c, draws=self.settings.draws, chunk=chunk)

    @cached_property
    def bootstrap(self) -> Bootstrap:
        return Bootstrap(self.seed, sources=self.sources)

    @cached_property
    def memberships(self) -> Memberships:
        return memberships(
            real=self.real,
            fake=self.fake,
            neighbours=self.settings.neighbours,
            coverage_neighbours=self.settings.coverage_neighbours,
        )

    @property
    def manifold(self) -> Manifold:
        return shares(self.memberships, self.settings.coverage_neighbours)

    @cached_property
    def authentic(self) -> Tensor:
        """(M,) bool."""
        return authentic(train=self.train, fake=self.fake)

    @property
    def real_c(self) -> Tensor:
        """(N, *condition) of the real features."""
        return self.test[1][: len(self.real)]

    @cached_property
    def classwise(self) -> Classwise:
        """Of a task whose condition is a class."""
        return classwise(
            real=self.real, real_c=self.real_c, fake=self.fake, fake_c=self.c, neighbours=self.settings.neighbours
        )

    @cached_property
    def log_ratio(self) -> Tensor:
        """(T,) nats: log p - log q of the test split, the truth's and the model's."""
        return log_density(self.truth, self.test[0]) - self.likelihood.log_p

    @cached_property
    def log_ratio_sampled(self) -> Tensor:
        """(M,) nats: log q - log p of the samples of a model whose likelihood is exact."""
        assert isinstance(self.model, Exact)
        log_q = log_prob(self.model, self.samples, self.c, chunk=self.settings.chunk)
        return log_q - log_density(self.truth, self.samples)

    @cached_property
    def reconstruction(self) -> Tensor:
        """(T,): the error of each test item."""
        assert isinstance(self.model, Reconstructs)
        return reconstruction_error(self.model, self.test, chunk=self.settings.chunk)

    @cached_property
    def restoration(self) -> Tensor:
        """(T,) likewise, from a corrupted input."""
        assert isinstance(self.model, Reconstructs)
        return restoration_error(self.model, self.test, scale=self.task.event.scale, chunk=self.settings.chunk)

    @cached_property
    def diversity(self) -> Tensor:
        """(K,): of each condition that is held fixed."""
        return diversity(real=self.real, groups=list(self.repeated))

    @property
    def judge(self) -> Judge:
        """Of the task's condition."""
        return self.judges[self.task.condition.kind]

    @cached_property
    def obeyed(self) -> Tensor:
        """(M, ...): what each sample adds to the score for showing what was asked for."""
        return self.judge.each(self.judge.answer(self.samples), self.c)

    @cached_property
    def obeyed_by_real(self) -> Tensor:
        """(T, ...): likewise each test item under its own condition."""
        return self.judge.each(self._shown, self.test[1])

    @cached_property
    def obeyed_by_chance(self) -> Tensor:
        """(T, ...): likewise under that of another one."""
        return self.judge.each(self._shown, shuffled(self.test[1]))

    @cached_property
    def _shown(self) -> Tensor:
        return self.judge.answer(self.test[0])

    @cached_property
    def histogram(self) -> Histogram:
        """Of the known modes: a mixture's, or those of the factors as their judge sees them."""
        if self.task.truth is not None:
            return modes.histogram(self.task.truth, *self._placed)
        return factors.histogram(self.task.factors, self.judges["factors"].answer(self.many))

    @cached_property
    def high_quality(self) -> Tensor:
        """(L,) bool: near a mode of the truth."""
        return self._placed[1] <= WITHIN

    @cached_property
    def _placed(self) -> tuple[Tensor, Tensor]:
        """(L,), (L,): the mode that is nearest to each sample, and how far that is in sigma."""
        return nearest_mode(self.truth, self.many)

    @property
    def visits(self) -> Visits:
        return visits(self.histogram)

    @cached_property
    def visits_resampled(self) -> Visits:
        histogram = self.histogram
        return visits(histogram._replace(counts=self.bootstrap.histograms(histogram.counts, len(self.many))))

    @cached_property
    def cells(self) -> Cells:
        return prd.cells(real=self.real, fake=self.fake)

    @cached_property
    def prd(self) -> PRD:
        real, fake = (torch.ones(1, len(x), dtype=torch.float64) for x in (self.real, self.fake))
        return self._prd(real, fake, ANGLES)

    @property
    def has_halves(self) -> bool:
        """Are the samples large enough to be halved?"""
        most = max(self.settings.neighbours, self.settings.coverage_neighbours)
        return half_samples.enough(min(len(self.real), len(self.fake)), most)

    @cached_property
    def halves(self) -> Halves:
        return half_samples.split(len(self.real), len(self.fake), seed=self.seed)

    @cached_property
    def half_scores(self) -> Scores:
        """Precision, recall, density and coverage of halves of the real features and samples."""
        return half_samples.manifold(
            self.halves,
            real=self.real,
            fake=self.fake,
            neighbours=self.settings.neighbours,
            coverage_neighbours=self.settings.coverage_neighbours,
        )

    def shared_sources(self, metric: str) -> float:
        """What sources that real items share add to the variance of a metric; 0 where items are independent."""
        if self.sources is None:
            return 0.0
        return half_samples.variance_by_sources(self._without_real[metric], self.sources[: len(self.real)])

    @cached_property
    def _without_real(self) -> dict[str, Tensor]:
        precision, recall, density, coverage = half_samples.manifold_without(
            real=self.real,
            fake=self.fake,
            neighbours=self.settings.neighbours,
            coverage_neighbours=self.settings.coverage_neighbours,
        )
        f_8, f_1_8 = half_samples.f_scores_without(self.cells)
        found = {"precision": precision, "recall": recall, "density": density, "coverage": coverage}
        return found | {"f_8": f_8, "f_1_8": f_1_8}

    @cached_property
    def half_prd(self) -> PRD:
        """F-scores of the halves, (S, 2) each."""
        return half_samples.f_scores(self.halves, self.cells)

    def _prd(self, real: Tensor, fake: Tensor, angles: int) -> PRD:
        found = self.cells
        p, q = [prd.shares(c, real) for c in found.real], [prd.shares(c, fake) for c in found.fake]
        return prd.prd(p, q, angles)
