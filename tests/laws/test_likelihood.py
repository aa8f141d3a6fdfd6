"""A law tells whose numbers are no likelihood, in words, and not whose are."""

from __future__ import annotations

import pytest
import torch
from honest import Estimated, Honest, Pixels
from torch import Tensor
from verdicts import broken, told

from pipeline.contract import GenerativeModel, Task
from pipeline.laws import inspection
from pipeline.laws.problem import Problem
from pipeline.laws.subject import Subject


class Noisy(Honest):
    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return super().log_prob(x, c) + torch.randn(len(x))


class Summed(Honest):
    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return super().log_prob(x, c).sum()


class Boundless(Honest):
    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return super().log_prob(x, c) + 1000


class Half(Honest):
    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return super().log_prob(x, c) - 0.7


class TwoFaced(Honest):
    def elbo(self, x: Tensor, c: Tensor) -> Tensor:
        return self.log_prob(x, c) - 1


class Biased(Estimated):
    correction = 0.0


class Tall(Pixels):
    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return super().log_prob(x, c) + 1


class Narrow(Honest):
    """A density far narrower than the draws of a wide proposal are apart."""

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return torch.distributions.Normal(self.mean(c), 0.002).log_prob(x).sum(-1)

    def sample(self, c: Tensor) -> Tensor:
        return self.mean(c) + 0.002 * torch.randn(len(c), 2)


class Large(Pixels):
    """Serves nothing of less than four pixels a side."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        assert task.event.shape[-1] >= 4


@pytest.mark.parametrize("model", [Honest, Estimated, Narrow, Pixels, Large])
def test_what_is_a_likelihood_is_kept(model: type[GenerativeModel]) -> None:
    verdicts = list(inspection.model(model, "x"))
    assert not broken(verdicts)
    assert any("up to 1" in verdict.law or "integrates" in verdict.law for verdict in verdicts)


def test_images_are_counted_where_few_are_served() -> None:
    small = Subject(Pixels, Problem("grey", "grayscale")).countable
    large = Subject(Large, Problem("grey", "grayscale")).countable
    assert small is not None
    assert large is not None
    assert (small.task.event.dims, large.task.event.dims) == (4, 16)
    assert Subject(Honest, Problem("points", "none")).countable is None


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (Noisy, "what is estimated by draws is Weighted"),
        (Summed, "elbo of 16 items has shape ()"),
        (TwoFaced, "elbo is not log_prob"),
        (Boundless, "probabilities add up to inf"),
        (Half, "probabilities add up to 0."),
        (Biased, "probabilities add up to 1."),
        (Tall, "probabilities add up to 2.72"),
    ],
)
def test_who_breaks_a_law_is_told_so(model: type[GenerativeModel], words: str) -> None:
    found = list(inspection.model(model, "x"))
    assert told(words, found), broken(found)


class Huge(Pixels):
    """Serves no event small enough to enumerate its images."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        if task.event.shape[-1] < 8:
            raise IndexError("no room")


def test_a_law_that_cannot_be_judged_fails_with_the_error() -> None:
    said = broken(inspection.model(Huge, "x"))
    assert any(
        "no event small enough" in words and "grey, 1 x 4 x 4: IndexError: no room (test_likelihood.py:" in words
        for words in said
    )
