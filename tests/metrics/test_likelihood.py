"""Likelihoods: closed forms, the order ELBO <= IWAE-k <= log p, and the traps that published numbers fell into."""

import math

import pytest
import torch
from pipeline.metrics.likelihood import bits_per_dim, elbo, likelihood, log_prob, log_weights
from torch import Tensor, nn

from pipeline.contract import Bounded, Exact, Weighted


class UniformCode(Exact):
    """Every level as likely as every other: log2 L bits for each value."""

    def __init__(self, levels: int) -> None:
        self.levels = levels

    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return torch.full((len(x),), -x[0].numel() * math.log(self.levels))


class Normal(Exact):
    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return -0.5 * (x.square() + math.log(2 * math.pi)).sum(dim=1)


class LinearGaussian(Weighted):
    """z ~ N(0, 1), x | z ~ N(z, 1), so x ~ N(0, 2); q(z | x) = N(x / 2, 1) is wider than its posterior."""

    def log_weight(self, x: Tensor, c: Tensor) -> Tensor:
        q = torch.distributions.Normal(x / 2, 1.0)
        z = q.sample()
        p = torch.distributions.Normal(0.0, 1.0).log_prob(z) + torch.distributions.Normal(z, 1.0).log_prob(x)
        return (p - q.log_prob(z))[:, 0]

    def truth(self, x: Tensor) -> Tensor:
        return torch.distributions.Normal(0.0, math.sqrt(2.0)).log_prob(x)[:, 0]


class NoisyBound(Bounded):
    """An unbiased draw of a bound: its exponential is no importance weight."""

    def elbo(self, x: Tensor, c: Tensor) -> Tensor:
        return -1 + 5 * torch.randn(len(x))


def none(x: Tensor) -> Tensor:
    return x.new_empty(len(x), 0)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("levels", [2, 17, 256])
def test_uniform_code_costs_log2_of_the_levels(levels: int) -> None:
    x = torch.zeros(10, 3, 4, 4)
    nats = log_prob(UniformCode(levels), x, none(x), chunk=4).mean()
    assert bits_per_dim(float(nats), x[0].numel()) == pytest.approx(math.log2(levels), rel=1e-6)


def test_gaussian_nats_are_minus_its_entropy() -> None:
    x = torch.randn(20_000, 2)
    nats = likelihood(Normal(), x, none(x), draws=1, chunk=4096).log_p.mean()
    assert float(nats) == pytest.approx(-math.log(2 * math.pi * math.e), abs=0.03)


def test_the_smaller_last_chunk_counts_by_its_items() -> None:
    x = torch.cat([torch.zeros(8, 2), torch.full((1, 2), 30.0)])
    whole = log_prob(Normal(), x, none(x), chunk=100)
    assert torch.equal(log_prob(Normal(), x, none(x), chunk=4), whole)
    assert float(whole.mean()) == pytest.approx(-100 - math.log(2 * math.pi), rel=1e-6)


def test_iwae_rises_from_the_elbo_to_the_truth() -> None:
    model, x = LinearGaussian(), math.sqrt(2) * torch.randn(200, 1)
    truth = float(model.truth(x).mean())
    found = [likelihood(model, x, none(x), draws=k, chunk=100) for k in (1, 8, 64, 1000)]
    means = [float(f.log_p.mean()) for f in found]
    assert float(found[2].elbo.mean()) < means[1] < means[2] < truth + 1e-3
    assert means == sorted(means)
    assert means[3] == pytest.approx(truth, abs=2e-3)
    assert float(found[3].elbo.mean()) == pytest.approx(truth - 0.5 * (1 - math.log(2)), abs=0.01)  # KL(q || posterior)


def test_streamed_bounds_are_those_of_all_draws_at_once() -> None:
    x = torch.randn(7, 1)
    mean, log_mean = log_weights(LinearGaussian(), x, none(x), draws=50, chunk=7)
    torch.manual_seed(0)
    x = torch.randn(7, 1)
    log_w = torch.stack([LinearGaussian().log_weight(x, none(x)) for _ in range(50)]).double()
    assert torch.allclose(mean, log_w.mean(dim=0), rtol=1e-12)
    assert torch.allclose(log_mean, log_w.logsumexp(dim=0) - math.log(50), rtol=1e-12)


def test_each_kind_is_named_by_the_best_it_can_do() -> None:
    x = torch.randn(3, 1)
    names = [likelihood(m, x, none(x), draws=5, chunk=2).name for m in (Normal(), LinearGaussian(), NoisyBound())]
    assert names == ["exact", "IWAE-5", "ELBO"]


def test_a_bound_is_averaged_and_never_exponentiated() -> None:
    x = torch.zeros(40_000, 1)
    found = likelihood(NoisyBound(), x, none(x), draws=64, chunk=40_000)
    assert float(found.log_p.mean()) == pytest.approx(-1, abs=0.1)
    assert torch.equal(found.log_p, found.elbo)


@pytest.mark.parametrize("score", [log_prob, lambda m, x, c, chunk: log_weights(m, x, c, draws=2, chunk=chunk), elbo])
def test_a_score_that_is_not_finite_names_its_item(score) -> None:
    x = torch.zeros(10, 2)
    x[7] = math.nan
    with pytest.raises(FloatingPointError, match="item 7 "):
        score(Normal(), x, none(x), chunk=4)


def test_scoring_keeps_no_graph() -> None:
    class Learned(Normal):
        scale = nn.Parameter(torch.ones(()))

        def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
            return super().log_prob(self.scale * x, c)

    x = torch.zeros(2, 2)
    assert not log_prob(Learned(), x, none(x), chunk=2).requires_grad
