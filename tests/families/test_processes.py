"""Laws of processes with a known likelihood: their masses and densities, their draws and what is decoded from them."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal

from pipeline.contract import Event
from pipeline.distributions import gaussian_autoregression as autoregression
from pipeline.distributions import hidden_markov, process
from pipeline.processes import GaussianAutoregression, HiddenMarkov

OSCILLATION = GaussianAutoregression((1.2, -0.7), 0.5)
REGIMES = HiddenMarkov((0.6, 0.4), ((0.9, 0.1), (0.3, 0.7)), ((0.7, 0.2, 0.1), (0.1, 0.2, 0.7)))
LENGTH = 6


def toeplitz(length: int) -> Tensor:
    """Covariance of successive values of the oscillation, from its autocorrelation."""
    variance = autoregression.stationary_covariance(OSCILLATION)[0, 0]
    found = variance * autoregression.autocorrelation(OSCILLATION, length)
    steps = torch.arange(length)
    return found[(steps[:, None] - steps).abs()]


@pytest.mark.parametrize("length", [1, 2, LENGTH])
def test_the_density_of_an_autoregression_is_the_gaussian_of_its_covariance(length: int) -> None:
    x = torch.randn(5, length, dtype=torch.float64)
    gaussian = MultivariateNormal(torch.zeros(length, dtype=torch.float64), toeplitz(length))
    assert torch.allclose(autoregression.log_prob(OSCILLATION, x), gaussian.log_prob(x))


def test_driven_by_noise_an_autoregression_has_its_covariance() -> None:
    impulses = torch.eye(LENGTH, dtype=torch.float64)
    linear = autoregression.from_noise(OSCILLATION, impulses).T  # the map is linear: x = linear e
    assert torch.allclose(linear @ linear.T, toeplitz(LENGTH))


def test_a_process_that_is_not_stationary_is_refused() -> None:
    with pytest.raises(ValueError, match="no stationary process"):
        autoregression.stationary_covariance(GaussianAutoregression((1.0,), 1.0))


def all_sequences(symbols: int, length: int) -> Tensor:
    return torch.tensor(list(itertools.product(range(symbols), repeat=length)))


def test_the_masses_of_all_symbol_sequences_sum_to_one() -> None:
    log_p = hidden_markov.log_prob(REGIMES, all_sequences(3, 4))
    assert float(log_p.exp().sum()) == pytest.approx(1)


def test_the_forward_algorithm_is_the_sum_over_all_paths_of_states() -> None:
    symbols = torch.tensor([[0, 2, 2, 1]])
    total = 0.0
    for path in itertools.product(range(2), repeat=4):
        mass = REGIMES.initial[path[0]]
        for before, after in itertools.pairwise(path):
            mass *= REGIMES.transition[before][after]
        for state, symbol in zip(path, symbols[0].tolist(), strict=True):
            mass *= REGIMES.emission[state][symbol]
        total += mass
    assert float(hidden_markov.log_prob(REGIMES, symbols).exp()) == pytest.approx(total)


def test_the_decoded_states_are_the_most_probable_given_all_symbols() -> None:
    symbols = torch.tensor([[0, 2, 1, 2]])
    posterior = torch.zeros(4, 2)
    for path in itertools.product(range(2), repeat=4):
        mass = REGIMES.initial[path[0]] * REGIMES.emission[path[0]][int(symbols[0, 0])]
        for t in range(1, 4):
            mass *= REGIMES.transition[path[t - 1]][path[t]] * REGIMES.emission[path[t]][int(symbols[0, t])]
        for t, state in enumerate(path):
            posterior[t, state] += mass
    assert hidden_markov.most_probable_states(REGIMES, symbols)[0].tolist() == posterior.argmax(1).tolist()


def test_paths_have_the_frequencies_of_the_model() -> None:
    torch.manual_seed(0)
    path = hidden_markov.from_uniforms(REGIMES, torch.rand(20_000, 3, 2))
    second = torch.tensor(REGIMES.initial) @ torch.tensor(REGIMES.transition)
    frequency = path.states[:, 1].bincount(minlength=2) / len(path.states)
    assert torch.allclose(frequency, second, atol=0.015)
    emitted = path.symbols[path.states == 1].bincount(minlength=3).float()
    assert torch.allclose(emitted / emitted.sum(), torch.tensor(REGIMES.emission[1]), atol=0.015)


@pytest.mark.parametrize("truth", [OSCILLATION, REGIMES], ids=["autoregression", "hidden_markov"])
def test_samples_have_the_shape_of_the_event(truth: GaussianAutoregression | HiddenMarkov) -> None:
    event = Event((1, LENGTH), levels=3 if truth is REGIMES else None)
    x = process.sample(truth, event, 7, torch.device("cpu"))
    assert x.shape == (7, 1, LENGTH)
    assert process.log_prob(truth, event, x).shape == (7,)
