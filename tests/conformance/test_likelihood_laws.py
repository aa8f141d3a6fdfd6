"""The laws of likelihoods find models whose numbers are not likelihoods, and pass those whose numbers are."""

from __future__ import annotations

import pytest
import torch
from correct_models import Estimated, Gaussian, Pixels
from torch import Tensor
from verdicts import failures, reports

from pipeline.conformance import inspection
from pipeline.conformance.subject import Subject
from pipeline.conformance.toy_tasks import Problem
from pipeline.contract import GenerativeModel, LogNormaliser, Task, Unnormalised


class Noisy(Gaussian):
    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return super().log_prob(x, c) + torch.randn(len(x))


class Summed(Gaussian):
    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return super().log_prob(x, c).sum()


class Boundless(Gaussian):
    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return super().log_prob(x, c) + 1000


class Half(Gaussian):
    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return super().log_prob(x, c) - 0.7


class TwoFaced(Gaussian):
    def elbo(self, x: Tensor, c: Tensor) -> Tensor:
        return self.log_prob(x, c) - 1


class Biased(Estimated):
    correction = 0.0


class Tall(Pixels):
    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return super().log_prob(x, c) + 1


class Shifted(Gaussian, Unnormalised):
    """log f = log p + 2."""

    log_z = 2.0
    error = 0.0

    def log_unnormalised(self, x: Tensor, c: Tensor) -> Tensor:
        return self.log_prob(x, c) + 2

    def log_normaliser(self, c: Tensor) -> LogNormaliser:
        return LogNormaliser(torch.full((len(c),), self.log_z), torch.full((len(c),), self.error), "exact")


class WrongConstant(Shifted):
    log_z = 1.0


class NegativeError(Shifted):
    error = -0.1


class NoisyConstant(Shifted):
    def log_unnormalised(self, x: Tensor, c: Tensor) -> Tensor:
        return super().log_unnormalised(x, c) + torch.randn(len(x))


class Narrow(Gaussian):
    """A density far narrower than the distance between draws of a wide proposal."""

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return torch.distributions.Normal(self.mean(c), 0.002).log_prob(x).sum(-1)

    def sample(self, c: Tensor) -> Tensor:
        return self.mean(c) + 0.002 * torch.randn(len(c), 2)


class Large(Pixels):
    """Supports images of at least four pixels a side."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        assert task.event.shape[-1] >= 4


@pytest.mark.parametrize("model", [Gaussian, Estimated, Narrow, Pixels, Large, Shifted])
def test_likelihoods_pass(model: type[GenerativeModel]) -> None:
    verdicts = list(inspection.inspect_model(model, "x"))
    assert not failures(verdicts)
    assert any("sums to 1" in verdict.statement or "integrates" in verdict.statement for verdict in verdicts)


def test_images_are_enumerated_on_the_smallest_supported_event_and_errors_on_smaller_ones_are_reported() -> None:
    small, _, note = Subject(Pixels, Problem("grey", "grayscale")).enumerable()
    assert (small.task.event.dims, note) == (4, "")
    large, _, note = Subject(Large, Problem("grey", "grayscale")).enumerable()
    assert large.task.event.dims == 16
    assert note.startswith("not on grey, 1 x 2 x 2: AssertionError:")
    verdicts = list(inspection.inspect_model(Large, "x"))
    assert any(verdict.outcome == "passed" and note == verdict.message for verdict in verdicts)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Noisy, "a likelihood estimated by sampling is Weighted"),
        (Summed, "elbo of 16 items has shape ()"),
        (TwoFaced, "elbo is not log_prob"),
        (Boundless, "probabilities sum to inf"),
        (Half, "probabilities sum to 0."),
        (Biased, "probabilities sum to 1."),
        (Tall, "probabilities sum to 2.72"),
        (WrongConstant, "log_prob is not log_unnormalised - log_z"),
        (NegativeError, "the error of log_z is below 0"),
        (NoisyConstant, "log_unnormalised gave two values"),
    ],
)
def test_a_model_that_breaks_a_law_fails_with_the_reason(model: type[GenerativeModel], message: str) -> None:
    found = list(inspection.inspect_model(model, "x"))
    assert reports(message, found), failures(found)


class Huge(Pixels):
    """Supports no event small enough to enumerate its images."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        if task.event.shape[-1] < 8:
            raise IndexError("no room")


def test_a_law_that_cannot_be_checked_fails_with_the_error() -> None:
    messages = failures(inspection.inspect_model(Huge, "x"))
    assert any(
        "no event small enough" in message
        and "grey, 1 x 4 x 4: IndexError: no room (test_likelihood_laws.py:" in message
        for message in messages
    )
