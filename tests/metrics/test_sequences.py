"""Metrics of sequences: closed forms, identical and opposite samples, and what a cell of each kind is measured by."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from pipeline.conformance import inspection
from pipeline.contract import Condition, Event, Exact, Task
from pipeline.data.processes import regime_process
from pipeline.distributions import gaussian_autoregression, hidden_markov, process
from pipeline.families.control.process import ProcessOracle
from pipeline.metrics import autocorrelation as correlations
from pipeline.metrics import regimes, registry, spectral_distance
from pipeline.metrics.autocorrelation import autocorrelation, autocorrelation_error
from pipeline.metrics.evaluation.bootstrap import Bootstrap, ends
from pipeline.metrics.evaluation.context import EvaluationContext
from pipeline.metrics.evaluation.measure import entry
from pipeline.metrics.extractors.classifier import classifier
from pipeline.metrics.extractors.spectrum import spectrum
from pipeline.metrics.judges import fitting
from pipeline.metrics.regimes import decode, pairs, total_variation
from pipeline.metrics.registry import Entry
from pipeline.metrics.spectral_distance import log_spectral_distance
from pipeline.params import Evaluation
from pipeline.processes import GaussianAutoregression, HiddenMarkov, Process

OSCILLATION = GaussianAutoregression((1.4, -0.81), 0.4)
REGIMES = regime_process(3, 6, 0.9, 0.9)
LENGTH, ITEMS = 32, 400
SERIES, SYMBOLS = Event((1, LENGTH), scale=4.0), Event((1, LENGTH), levels=6)
TRUTHS: dict[str, tuple[Event, Process]] = {"series": (SERIES, OSCILLATION), "symbols": (SYMBOLS, REGIMES)}
each_truth = pytest.mark.parametrize(("event", "truth"), TRUTHS.values(), ids=TRUTHS)


def draws(event: Event, truth: Process, seed: int) -> torch.Tensor:
    torch.manual_seed(seed)
    return process.sample(truth, event, ITEMS, torch.device("cpu"))


def measured(event: Event, truth: Process, model: Exact, fake: torch.Tensor) -> dict[str, Entry]:
    real, c = draws(event, truth, 0), torch.empty(ITEMS, 0)
    features = {"train": real.flatten(1), "real": real.flatten(1), "fake": fake.flatten(1)}
    context = EvaluationContext(
        model=model, task=Task("toy", event, truth=truth), test=(real, c), samples=fake, many=fake, c=c, **features,
        repeated=torch.empty(0, 2, LENGTH), judges={}, extractor="identity",
        settings=Evaluation(samples=ITEMS, draws=2, chunk=200), seed=0,
    )  # fmt: skip
    names = (
        "nats", "nats_per_step", "bits_per_dim", "kl_pq", "kl_qp", "autocorrelation_error", "spectral_distance",
        "regimes_hit", "regime_tv",
    )  # fmt: skip
    chosen = [metric for metric in registry.metrics() if metric.name in names and metric.requires(context)]
    return {metric.name: entry(metric, context) for metric in chosen}


@each_truth
def test_the_truth_has_no_divergence_from_itself_and_samples_like_the_data(event: Event, truth: Process) -> None:
    found = measured(event, truth, ProcessOracle(event, truth), draws(event, truth, 1))
    assert abs(found["kl_pq"]["value"]) < 1e-3
    assert abs(found["kl_qp"]["value"]) < 1e-3
    assert found["autocorrelation_error"]["value"] < 0.05
    assert found["spectral_distance"]["value"] < 1.5


@each_truth
def test_the_likelihood_is_reported_in_the_unit_of_the_event(event: Event, truth: Process) -> None:
    found = measured(event, truth, ProcessOracle(event, truth), draws(event, truth, 1))
    log_p = float(process.log_prob(truth, event, draws(event, truth, 0)).mean())
    if event.levels is None:
        assert found["nats_per_step"]["value"] == pytest.approx(log_p / LENGTH, rel=1e-5)
        assert not found.keys() & {"nats", "bits_per_dim", "regime_tv"}
    else:
        assert found["bits_per_dim"]["value"] == pytest.approx(-log_p / LENGTH / math.log(2), rel=1e-5)
        assert not found.keys() & {"nats", "nats_per_step"}


def test_the_divergence_of_two_processes_is_that_of_their_densities() -> None:
    other = GaussianAutoregression((0.0, 0.0), 1.0)
    fake = draws(SERIES, other, 1)
    found = measured(SERIES, OSCILLATION, ProcessOracle(SERIES, other), fake)
    expected = gaussian_autoregression.log_prob(other, fake.flatten(1)) - gaussian_autoregression.log_prob(
        OSCILLATION, fake.flatten(1)
    )
    assert found["kl_qp"]["value"] == pytest.approx(float(expected.mean()), rel=1e-4)


def test_samples_of_one_regime_hit_one_and_differ_in_total_variation() -> None:
    stuck = HiddenMarkov((1.0, 0.0, 0.0), ((1.0, 0.0, 0.0),) * 3, REGIMES.emission)
    fake = draws(SYMBOLS, stuck, 1)
    truth = measured(SYMBOLS, REGIMES, ProcessOracle(SYMBOLS, REGIMES), draws(SYMBOLS, REGIMES, 1))
    found = measured(SYMBOLS, REGIMES, ProcessOracle(SYMBOLS, REGIMES), fake)
    assert truth["regimes_hit"]["value"] == 3
    assert truth["regime_tv"]["value"] < 0.05
    assert found["regime_tv"]["value"] > 0.4


def test_decoded_regimes_are_mostly_those_that_emitted() -> None:
    torch.manual_seed(0)
    path = hidden_markov.from_uniforms(REGIMES, torch.rand(100, LENGTH, 2))
    decoded = decode(REGIMES, SYMBOLS, SYMBOLS.value(path.symbols)[:, None])
    assert float((decoded == path.states).double().mean()) > 0.9


def test_pairs_of_states_are_shares() -> None:
    found = pairs(torch.tensor([[0, 0, 1, 1]]), 2)
    assert found.tolist() == [[pytest.approx(1 / 3), pytest.approx(1 / 3), 0.0, pytest.approx(1 / 3)]]
    assert float(total_variation(found[0], torch.tensor([0.0, 0.5, 0.5, 0.0]).double())) == pytest.approx(2 / 3)


def test_the_autocorrelation_of_a_process_is_found() -> None:
    torch.manual_seed(0)
    x = process.sample(OSCILLATION, Event((1, 512)), 200, torch.device("cpu"))
    expected = gaussian_autoregression.autocorrelation(OSCILLATION, 10)[1:]
    assert torch.allclose(autocorrelation(x, 10), expected, atol=0.03)


def test_ten_times_the_power_is_ten_decibels_where_nothing_is_silent() -> None:
    torch.manual_seed(0)
    x = torch.randn(200, 1, 64)
    assert log_spectral_distance(real=x, fake=x) == 0
    assert log_spectral_distance(real=x, fake=10**0.5 * x) == pytest.approx(10, abs=0.01)


def test_the_autocorrelation_is_that_of_centred_values() -> None:
    x = 3 + torch.randn(5, 2, 12, generator=torch.Generator().manual_seed(0)).double()
    centred = x - x.mean()
    by_hand = [(centred[..., :-k] * centred[..., k:]).mean() / centred.square().mean() for k in (1, 2, 3)]
    assert torch.allclose(autocorrelation(x, 3), torch.stack(by_hand))
    assert not autocorrelation(torch.ones(4, 1, 8), 2).any()


Resampled = Callable[[Bootstrap, torch.Tensor, torch.Tensor], torch.Tensor]
"""(B,) of the bootstrap, test items and samples."""


def _errors(drawn: Bootstrap, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    return correlations.resampled(drawn, real=real, fake=fake, lags=8)


def _distances(drawn: Bootstrap, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    return spectral_distance.resampled(drawn, real=real, fake=fake)


def _variations(drawn: Bootstrap, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    sides = {"real": decode(REGIMES, SYMBOLS, real), "fake": decode(REGIMES, SYMBOLS, fake)}
    return regimes.total_variation_resampled(drawn, **sides, count=3)


def _error(real: torch.Tensor, fake: torch.Tensor) -> float:
    return float(autocorrelation_error(autocorrelation(real, 8), autocorrelation(fake, 8)))


def _variation(real: torch.Tensor, fake: torch.Tensor) -> float:
    sides = (pairs(decode(REGIMES, SYMBOLS, x), 3).mean(dim=0) for x in (real, fake))
    return float(total_variation(*sides))


OTHERS: dict[str, tuple[Event, Process, Process]] = {
    "series": (SERIES, OSCILLATION, GaussianAutoregression((1.2, -0.7), 0.5)),
    "symbols": (SYMBOLS, REGIMES, regime_process(3, 6, 0.8, 0.9)),
}
"""Of each kind the truth, and a process whose samples differ from its."""
INTERVALS: dict[str, tuple[str, Callable[[torch.Tensor, torch.Tensor], float], Resampled]] = {
    "autocorrelation_error": ("series", _error, _errors),
    "spectral_distance": (
        "series", lambda real, fake: log_spectral_distance(real=real, fake=fake), _distances
    ),
    "regime_tv": ("symbols", _variation, _variations),
}  # fmt: skip


@pytest.mark.parametrize("metric", INTERVALS)
def test_an_interval_holds_the_number_of_other_draws_as_often_as_it_says(metric: str) -> None:
    """The mean over draws of 200 items each lies in 95 % of the intervals, but for the error of 100 simulations."""
    kind, compute, resample = INTERVALS[metric]
    event, *processes = OTHERS[kind]
    values, found = list[float](), list[tuple[float, float]]()
    for seed in range(100):
        torch.manual_seed(seed)
        real, fake = (process.sample(one, event, 200, torch.device("cpu")) for one in processes)
        values.append(compute(real, fake))
        found.append(ends(resample(Bootstrap(seed, 200), real, fake), values[-1]))
    mean = sum(values) / len(values)
    inside = sum(low <= mean <= high for low, high in found)
    assert inside >= 87
    assert 0.7 < sum(high - low for low, high in found) / 100 / (2 * 1.96 * torch.tensor(values).std()) < 1.3


def test_a_regime_that_few_samples_visit_is_missed_by_some_resamples() -> None:
    states = torch.zeros(100, 8, dtype=torch.long)
    states[:1, 3] = 1  # one of 100 samples: (1 - 1/100)^100 of the resamples have none
    hits = regimes.hits_resampled(Bootstrap(0), states, 3)
    assert set(hits.tolist()) == {1.0, 2.0}
    assert float((hits == 1).double().mean()) == pytest.approx(0.99**100, abs=0.05)


def test_each_number_of_sequences_has_a_sampling_interval() -> None:
    names = {"autocorrelation_error", "spectral_distance", "regimes_hit", "regime_tv"}
    for event, truth, other in OTHERS.values():
        found = measured(event, truth, ProcessOracle(event, truth), draws(event, other, 1))
        for name in names & found.keys():
            assert found[name]["low"] <= found[name]["value"] <= found[name]["high"]
    assert names <= {metric.name for metric in registry.metrics() if metric.interval}


def test_the_extractor_of_spectra_passes_all_laws() -> None:
    verdicts = list(inspection.inspect_extractor(spectrum, keywords={"window": 4}))
    assert [verdict for verdict in verdicts if verdict.outcome == "failed"] == []
    assert spectrum("toy", torch.randn(8, 1, 16), None, window=4).extract(torch.empty(0, 1, 16)).shape == (0, 6)
    supported = {verdict.place for verdict in verdicts if verdict.outcome == "passed"}
    assert supported == {("series",), ("symbols",), ("stereo",)}


def test_spectral_features_keep_a_shift_and_see_a_frequency() -> None:
    steps = torch.arange(256) / 8
    tone = torch.sin(2 * math.pi * (steps + torch.rand(64, 1)))[:, None]
    extractor = spectrum("toy", torch.cat([tone, torch.randn(64, 1, 256)]), None, window=32)
    slow = torch.sin(math.pi * (steps + torch.rand(64, 1)))[:, None]
    same, other = (extractor.extract(x) - extractor.extract(tone) for x in (tone.roll(3, dims=2), slow))
    assert float(other.norm(dim=1).mean()) > 3 * float(same.norm(dim=1).mean())


def test_a_classifier_and_a_judge_tell_slow_from_fast_sequences() -> None:
    torch.manual_seed(0)
    label = torch.arange(128) % 2
    steps = torch.arange(32) * (0.3 + 1.5 * label[:, None]) + 6 * torch.rand(128, 1)
    x = steps.sin()[:, None]
    fitted = classifier("toy", x, label, width=8, features=8, steps=60)
    assert fitted.accuracy(x, label) > 0.9
    task = Task("toy", Event((1, 32)), Condition("class", (), 2))
    judge = fitting.fit("class", "toy", task, train=(x, label), test=(x, label), steps=60)
    assert judge.test > 0.9
