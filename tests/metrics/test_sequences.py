"""Metrics of sequences: closed forms, identical and opposite samples, and what a cell of each kind is measured by."""

from __future__ import annotations

import math

import pytest
import torch

from pipeline.conformance import inspection
from pipeline.contract import Condition, Event, Exact, Task
from pipeline.data.processes import regime_process
from pipeline.distributions import gaussian_autoregression, hidden_markov, process
from pipeline.families.control.process import ProcessOracle
from pipeline.metrics import registry
from pipeline.metrics.autocorrelation import autocorrelation
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
    assert found.tolist() == [[pytest.approx(1 / 3)] * 2, [0.0, pytest.approx(1 / 3)]]
    assert total_variation(found, torch.eye(2, dtype=torch.float64)[[1, 0]] / 2) == pytest.approx(2 / 3)


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
