"""What a metric reads of one trained model on one task. What several metrics need of it is computed once (`shared`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

import torch
from torch import Tensor

from pipeline.contract import (
    Batch,
    Bounded,
    Exact,
    GenerativeModel,
    Mixture,
    Reconstructs,
    SamplesByMarkovChain,
    SupportsUnconditional,
    Task,
    Unnormalised,
    Weighted,
)
from pipeline.metrics.evaluation.bootstrap import Bootstrap
from pipeline.metrics.evaluation.evaluation_chunks import EvaluationChunks
from pipeline.metrics.evaluation.finite import check_finite
from pipeline.metrics.evaluation.placement import device_of, float64_device
from pipeline.metrics.judges.judge import Judge
from pipeline.metrics.registry import shared
from pipeline.processes import HiddenMarkov

if TYPE_CHECKING:
    from pipeline.params import Evaluation


class Sides(TypedDict):
    """Features that are compared, on one device."""

    real: Tensor
    """(N, D)."""
    fake: Tensor
    """(M, D)."""


class SecondFeatures(NamedTuple):
    """Features of the task's second extractor, as the attributes of `EvaluationContext` of these names."""

    train: Tensor
    real: Tensor
    fake: Tensor
    extractor: str


@dataclass(frozen=True, eq=False)
class EvaluationContext:
    """One cell. Real features and samples are as many as each other where the test split is large enough.

    All tensors are on the CPU, whichever device the model is on.

    Attributes:
        model: the trained model.
        task: the task that it was trained on.
        test: the whole held-out split, x (T, *event) and c (T, *condition); large ones are `CompactItems`.
        samples: (M, *event) float32, images on the level grid.
        many: (L, *event), L >= M, the samples and more, where modes are counted in more. Like the samples, they are
            `CompactItems` where float32 would need more than `LARGE` bytes: a metric converts them a chunk at a time.
        c: (M, *condition), what each sample was drawn under.
        train: (R, D) float32 features of the training split.
        real: (N, D) float32 features of the first N test items.
        fake: (M, D) float32 features of the samples.
        repeated: (K, R, D) float32 features of R samples under each of K fixed conditions; K = 0 without a condition.
        judges: by kind, of the task's condition and of its factors.
        extractor: name of the features, with the hash of its weights where it has any.
        settings: the counts, a block `evaluation` of params.yaml.
        seed: of the draws of a bound, and of the resamples.
        sources: (T, R) long, what the test items are made of where some share a source; None if they are independent.
        second: the same features by the task's second extractor, if it has one.
        kept: the chunks of a killed evaluation.
        computed: what the `shared` functions have found.

    Raises:
        FloatingPointError: an item is not finite.
    """

    model: GenerativeModel
    task: Task
    test: Batch
    samples: Tensor
    many: Tensor
    c: Tensor
    train: Tensor
    real: Tensor
    fake: Tensor
    repeated: Tensor
    judges: Mapping[str, Judge]
    extractor: str
    settings: Evaluation
    seed: int
    sources: Tensor | None = None
    second: SecondFeatures | None = None
    kept: EvaluationChunks = field(default_factory=EvaluationChunks)
    computed: dict[Callable[..., Any], Any] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        check_finite(self.test[0], "test item")
        check_finite(self.many, "sample")
        for side in ("train", "real", "fake", "repeated"):
            check_finite(getattr(self, side), f"the feature vector of {side} item")
        for side in ("train", "real", "fake") if self.second else ():
            check_finite(getattr(self.second, side), f"the second feature vector of {side} item")

    @property
    def truth(self) -> Mixture:
        """Raises `ValueError` where the task's truth is not known, or no mixture."""
        if not isinstance(self.task.truth, Mixture):
            raise ValueError(f"the truth of task {self.task.name} is not known to be a mixture")
        return self.task.truth

    @property
    def device(self) -> torch.device:
        """Where features are compared: the device of the model, or the CPU if that has no float64."""
        return float64_device(device_of(self.model))

    def sides(self) -> Sides:
        """`real` (N, D) and `fake` (M, D) on that device."""
        return {"real": self.real.to(self.device), "fake": self.fake.to(self.device)}

    @property
    def real_c(self) -> Tensor:
        """(N, *condition) of the real features."""
        return self.test[1][: len(self.real)]

    @property
    def judge(self) -> Judge:
        """Of the task's condition."""
        return self.judges[self.task.condition.kind]

    @property
    def bootstrap(self) -> Bootstrap:
        """The resamples of the cell."""
        return _bootstrap(self)

    # What a metric can require. Never a family.

    @property
    def is_points(self) -> bool:
        return self.task.event.kind == "points"

    @property
    def is_images(self) -> bool:
        return self.task.event.kind == "images"

    @property
    def is_sequences(self) -> bool:
        return self.task.event.kind == "sequences"

    @property
    def is_discrete(self) -> bool:
        """An event has levels: likelihoods are probabilities, and no densities."""
        return self.task.event.levels is not None

    @property
    def is_bounded(self) -> bool:
        """The model states its log-likelihood, or a bound on it."""
        return isinstance(self.model, Bounded)

    @property
    def is_exact(self) -> bool:
        """The model states its log-likelihood exactly."""
        return isinstance(self.model, Exact)

    @property
    def is_weighted(self) -> bool:
        """The model has importance weights."""
        return isinstance(self.model, Weighted)

    @property
    def is_unnormalised(self) -> bool:
        """The model states its log-likelihood up to a constant, and an estimate of the constant."""
        return isinstance(self.model, Unnormalised)

    @property
    def has_chains(self) -> bool:
        """Samples are the last states of Markov chains."""
        return isinstance(self.model, SamplesByMarkovChain)

    @property
    def reconstructs(self) -> bool:
        """The model has an encoder and a decoder."""
        return isinstance(self.model, Reconstructs)

    @property
    def is_conditional(self) -> bool:
        return self.task.condition.kind != "none"

    @property
    def has_classes(self) -> bool:
        """The condition is a class."""
        return self.task.condition.kind == "class"

    @property
    def has_truth(self) -> bool:
        """The data are drawn from a known mixture."""
        return isinstance(self.task.truth, Mixture)

    @property
    def has_regimes(self) -> bool:
        """The data are drawn from a known hidden Markov model."""
        return isinstance(self.task.truth, HiddenMarkov)

    @property
    def has_modes(self) -> bool:
        """The modes are known: those of a mixture, or combinations of factors that have a judge."""
        return self.has_truth or "factors" in self.judges

    @property
    def has_density(self) -> bool:
        """The true density or mass is known, of p(x) as the model's likelihood is, and not of p(x | c); of a mixture,
        in the plane."""
        known = self.task.event.dims == 2 if self.has_truth else self.task.truth is not None
        return known and not self.is_conditional

    @property
    def has_unconditional_likelihood(self) -> bool:
        """A model of x given c states a likelihood of x alone."""
        model = self.model
        return (
            self.is_conditional
            and isinstance(model, SupportsUnconditional)
            and isinstance(model.unconditional(), Bounded)
        )


@shared
def _bootstrap(context: EvaluationContext) -> Bootstrap:
    return Bootstrap(context.seed, sources=context.sources)
