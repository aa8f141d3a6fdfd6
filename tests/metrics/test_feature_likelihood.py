"""Feature likelihood divergence: the fit is a maximum, its score that of torch's mixture, and copies and collapses."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from pipeline.metrics import feature_likelihood
from pipeline.metrics.feature_likelihood import LEAST, Mixture, Terms, fit, log_terms, squared_distances, terms


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def gaussian(count: int, dims: int = 6) -> Tensor:
    return torch.randn(count, dims)


def found(fake: Tensor, train: Tensor) -> Terms:
    return terms(train=train, real=gaussian(150, train.shape[1]), fake=fake)


def test_a_mixture_scores_as_that_of_torch() -> None:
    means, variances, x = torch.randn(7, 3).double(), torch.rand(7).double() + 0.1, torch.randn(20, 3).double()
    parts = Independent(Normal(means, variances.sqrt()[:, None].expand(-1, 3)), 1)
    expected = MixtureSameFamily(Categorical(torch.ones(7).double()), parts).log_prob(x)
    assert torch.allclose(Mixture(means, variances).log_terms(x).logsumexp(dim=1), expected)


def test_one_gaussian_gets_the_mean_squared_distance() -> None:
    """Without a rival the variance is that of maximum likelihood; the background takes its share of far items alone."""
    x = 0.01 * torch.randn(400, 2).double()
    x = torch.cat([x, torch.tensor([[50.0, 0.0], [-50.0, 0.0]]).double()])
    expected = x[:-2].square().sum(dim=1).mean() / 2
    variance = fit(torch.zeros(1, 2).double(), x).variances
    assert float(variance[0]) == pytest.approx(float(expected), rel=0.05)


def test_the_fit_is_a_maximum(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variance can be moved to a higher likelihood, with the background that the fit has found left as it is."""
    monkeypatch.setattr(feature_likelihood, "CONVERGED", 0.0)
    means, x = torch.randn(6, 3).double(), torch.randn(80, 3).double()
    mixture = fit(means, x, steps=3000)
    variances = mixture.variances.clone().requires_grad_()
    background = 0.81 * (x - x.mean(dim=0)).square().sum(dim=1, keepdim=True)
    d2 = torch.cat([squared_distances(x, means), background], dim=1)
    best = torch.linspace(-3, 3, 2001).double().exp()

    def likelihood(every: Tensor) -> Tensor:
        return log_terms(d2, every, 3, 6).logsumexp(dim=1).mean()

    last = max(best, key=lambda s: float(likelihood(torch.cat([mixture.variances, s[None]]))))
    likelihood(torch.cat([variances, last[None]])).backward()
    assert variances.grad is not None
    assert float((variances.grad * mixture.variances).abs().max()) < 1e-3


def by_gradient_descent(means: Tensor, x: Tensor, steps: int = 300) -> tuple[Tensor, float]:
    """The variances by Adam, as the authors' code finds them, and the mean log-likelihood with the background."""
    dims = x.shape[1]
    away = (x - x.mean(dim=0)).square().sum(dim=1, keepdim=True)
    d2 = (x[:, None] - means).square().sum(dim=2)
    logs = ((d2.amin(dim=0) + 1e-3) / dims).log().requires_grad_()
    background = torch.zeros(1).double().requires_grad_()
    optimiser = torch.optim.Adam([logs, background], 0.1)
    for _ in range(steps):
        near = -0.5 * d2 / logs.exp() - dims / 2 * (logs + math.log(2 * math.pi)) - math.log(len(means))
        far = -0.5 * 0.81 * away / background.exp() - dims / 2 * (background + math.log(2 * math.pi))
        likelihood = torch.cat([near, far], dim=1).logsumexp(dim=1).mean()
        optimiser.zero_grad()
        (-likelihood / dims).backward()
        optimiser.step()
    return logs.detach().exp(), float(likelihood.detach())


def test_the_fit_is_that_of_gradient_descent_on_features_of_few_degrees_of_freedom() -> None:
    """Non-negative ones of a random layer, as networks give them; both ends are local maxima."""
    layer = torch.randn(3, 8).double()
    train, fake, test = ((torch.randn(n, 3).double() @ layer).relu() for n in (150, 40, 100))
    variances, likelihood = by_gradient_descent(fake, train)
    mixture = fit(fake, train)
    background = 0.81 * (train - train.mean(dim=0)).square().sum(dim=1, keepdim=True)
    d2 = torch.cat([squared_distances(train, fake), background], dim=1)
    best = max(
        float(log_terms(d2, torch.cat([mixture.variances, s[None]]), 8, 40).logsumexp(dim=1).mean())
        for s in torch.linspace(-4, 4, 200).double().exp()
    )
    assert best > likelihood - 0.05 * 8
    ours, theirs = (
        -Mixture(fake, v).log_terms(test).logsumexp(dim=1).mean() / 8 for v in (mixture.variances, variances)
    )
    assert float(ours) == pytest.approx(float(theirs), abs=0.1)


def test_a_perfect_sampler_scores_about_nothing_and_worse_ones_more() -> None:
    train = gaussian(600)
    perfect, noise = (found(x, train) for x in (gaussian(200), 4 * gaussian(200)))
    assert abs(perfect.fld) < 8
    assert perfect.fld + 10 < noise.fld


def test_a_missing_mode_is_paid_for() -> None:
    def modes(count: int, of: int) -> Tensor:
        return 8 * torch.eye(4)[torch.randint(of, (count,))] + gaussian(count, 4)

    train, real = modes(600, 4), modes(150, 4)
    whole, half = (terms(train=train, real=real, fake=modes(200, of)).fld for of in (4, 2))
    assert half > whole + 20


def test_copies_open_the_gap_and_score_badly() -> None:
    train = gaussian(400)
    fresh, copies, near = (found(x, train) for x in (gaussian(200), train[:200], train[:200] + 1e-3 * gaussian(200)))
    assert -30 < fresh.gap < 10
    assert copies.gap < near.gap < fresh.gap - 50
    assert copies.fld > fresh.fld + 50


def test_a_copy_has_the_least_variance() -> None:
    train = gaussian(50).double()
    assert float(fit(train[:3], train).variances.max()) == LEAST


def test_the_unit_and_the_origin_do_not_matter() -> None:
    train, real, fake = gaussian(100).double(), gaussian(80).double(), gaussian(60).double()
    scale = torch.tensor([1.0, 10.0, 0.1, 1.0, 3.0, 7.0]).double()
    here = terms(train=train, real=real, fake=fake)
    there = terms(train=train * scale + 5, real=real * scale + 5, fake=fake * scale + 5)
    assert (there.fld, there.gap) == pytest.approx((here.fld, here.gap), abs=1e-6)


def test_a_feature_without_variance_is_left_as_it_is() -> None:
    train, real, fake = (torch.cat([gaussian(n), torch.ones(n, 1)], dim=1) for n in (100, 80, 60))
    scored = terms(train=train, real=real, fake=fake)
    assert math.isfinite(scored.fld)
    assert math.isfinite(scored.gap)


def test_the_influence_of_samples_is_the_derivative_by_their_weights() -> None:
    """Twice the weight of one sample, in a sample of many."""
    train, real, fake = gaussian(100), gaussian(80), gaussian(60)
    whole = terms(train=train, real=real, fake=fake)
    mixture = fit(
        (fake.double() - real.double().mean(0)) / real.double().std(0),
        ((train.double() - real.double().mean(0)) / real.double().std(0)),
    )
    x = (real.double() - real.double().mean(0)) / real.double().std(0)
    joint = mixture.log_terms(x)
    for sample in (0, 17):
        weight = torch.ones(60).double()
        weight[sample] += 1e-4
        heavier = -(joint + (weight / weight.mean()).log()).logsumexp(dim=1).mean() / 6
        derivative = float(heavier - whole.test.mean()) / 1e-4 * 60
        assert derivative == pytest.approx(float(1 - whole.of_test[sample]) / 6, abs=1e-3)


def test_values_that_are_not_finite_and_too_few_items_are_errors() -> None:
    broken = gaussian(60)
    broken[3, 1] = math.nan
    for train, real, fake in ((broken, gaussian(9), gaussian(9)), (gaussian(9), gaussian(9), broken)):
        with pytest.raises(FloatingPointError, match="item 3 is not finite"):
            terms(train=train, real=real, fake=fake)
    with pytest.raises(ValueError, match="3 training and 9 test items"):
        terms(train=gaussian(3), real=gaussian(9), fake=gaussian(9))
