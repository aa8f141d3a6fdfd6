"""Masses sum to one, levels survive the way there and back."""

from __future__ import annotations

import math

import pytest
import torch

from pipeline.contract import Event, Mixture, Task
from pipeline.distributions.dequantisation import dequantise, requantise
from pipeline.distributions.likelihood import Bernoulli, Categorical, DiscretisedLogistic, likelihood
from pipeline.families.control.density import Marginal, Oracle, UniformLevels

KINDS = [(Bernoulli, 2), *((kind, levels) for kind in (Categorical, DiscretisedLogistic) for levels in (2, 17, 256))]


@pytest.mark.parametrize(("kind", "levels"), KINDS)
def test_masses_sum_to_one_over_the_levels(kind: type, levels: int) -> None:
    event = Event((1, 1, 1), levels=levels)
    px = kind(event)
    every = event.value(torch.arange(levels)).view(levels, 1, 1, 1)
    for scale in (0.1, 1.0, 4.0):
        parameters = (scale * torch.randn(1, px.width, 1, 1)).expand(levels, -1, -1, -1)
        assert px.log_prob(every, parameters).exp().sum().item() == pytest.approx(1, abs=1e-4)


def test_a_bernoulli_is_the_categorical_whose_first_logit_is_zero() -> None:
    event = Event((3, 4, 5), levels=2)
    bernoulli, categorical = Bernoulli(event), Categorical(event)
    odds = 20 * torch.randn(6, 3, 4, 5)
    logits = torch.cat([torch.zeros_like(odds), odds], dim=1)  # level-major
    x = event.value(torch.randint(2, odds.shape))
    assert torch.allclose(bernoulli.log_prob(x, odds), categorical.log_prob(x, logits))
    assert torch.equal(bernoulli.mode(odds), categorical.mode(logits))


def test_a_bernoulli_draws_each_level_as_often_as_it_says() -> None:
    event = Event((1, 1, 3), levels=2)
    odds = torch.tensor([-2.0, 0.0, 1.0]).view(1, 1, 1, 3)
    drawn = Bernoulli(event).draw(odds.expand(40_000, -1, -1, -1))
    assert torch.equal(drawn.unique(), torch.tensor([-1.0, 1.0]))
    assert torch.allclose(event.index(drawn).float().mean(0), odds[0].sigmoid(), atol=0.015)


@pytest.mark.parametrize(("levels", "kind"), [(2, Bernoulli), (3, Categorical), (256, DiscretisedLogistic)])
def test_the_levels_say_which_mass_an_event_gets(levels: int, kind: type) -> None:
    assert isinstance(likelihood(Event((1, 2, 2), levels=levels)), kind)


@pytest.mark.parametrize("levels", [2, 17, 256])
def test_the_grid_holds_all_levels_and_both_ends(levels: int) -> None:
    """L levels, not L - 1: 255 bins for 256 is 0.0056 bits."""
    event = Event((1,), levels=levels)
    values = event.value(torch.arange(levels))
    assert values[0] == -1
    assert values[-1] == 1
    assert torch.equal(event.index(values), torch.arange(levels))


def test_dequantisation_stays_in_its_bin() -> None:
    event = Event((1, 4, 4), levels=17)
    x = event.value(torch.randint(17, (50, 1, 4, 4)))
    assert torch.equal(requantise(dequantise(x, event)[0], event), x)


def test_dequantisations_slope_is_the_derivative() -> None:
    """log|dv/dk| by finite differences, in float64."""
    event, k = Event((1, 1, 1), levels=4), torch.tensor([[[[2.0]]]], dtype=torch.float64)
    torch.manual_seed(0)
    v, log_slope = dequantise(event.value(k.long()).double(), event)
    y = (v.sigmoid() - 0.05) / 0.9 * 4  # k + u
    step = 1e-5

    def logit(value: torch.Tensor) -> torch.Tensor:
        return (0.05 + 0.9 * value / 4).logit()

    derivative = (logit(y + step) - logit(y - step)) / (2 * step)
    assert log_slope.item() == pytest.approx(derivative.log().item(), abs=1e-6)


def test_uniform_levels_cost_their_logarithm() -> None:
    event = Event((1, 8, 8), levels=17)
    x = event.value(torch.randint(17, (3, 1, 8, 8)))
    bits = -UniformLevels(event).log_prob(x, torch.empty(3, 0)) / (64 * math.log(2))
    assert torch.allclose(bits, torch.full((3,), math.log2(17)))


def test_the_marginal_model_has_the_marginals_entropy() -> None:
    event = Event((1, 2, 2), levels=3)
    x = event.value(torch.randint(3, (500, 1, 2, 2)))
    model = Marginal(event, smoothing=1e-6)
    model.calibrate([(x, torch.empty(500, 0))], [])
    counts = torch.nn.functional.one_hot(event.index(x).flatten(1), 3).float().mean(0)
    entropy = -(counts * counts.log()).sum()
    assert -model.log_prob(x, torch.empty(500, 0)).mean().item() == pytest.approx(entropy.item(), rel=1e-4)


def test_the_oracle_integrates_to_one() -> None:
    truth = Mixture(((0.0, 1.0), (1.0, 0.0)), 0.2, (0.3, 0.7))
    model = Oracle(Task("t", Event((2,)), truth=truth).truth)  # type: ignore[arg-type]
    line = torch.linspace(-2, 3, 501)
    plane = torch.cartesian_prod(line, line)
    mass = model.log_prob(plane, torch.empty(len(plane), 0)).exp().sum() * (line[1] - line[0]) ** 2
    assert mass.item() == pytest.approx(1, abs=1e-3)
