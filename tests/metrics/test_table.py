"""Which metric applies to which model is decided by capability, and each number says what it is."""

import json
import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from pipeline.contract import Bounded, Condition, Event, Exact, GenerativeModel, Mixture, Player, Task, Weighted
from pipeline.metrics.evidence import Evidence, Settings
from pipeline.metrics.modes import log_density
from pipeline.metrics.table import METRICS, measure

TRUTH = Mixture(((-1.0, 0.0), (1.0, 0.0)), 0.1, (0.5, 0.5))
POINTS = Task("two", Event((2,)), truth=TRUTH)
IMAGES = Task("dots", Event((1, 2, 2), levels=4))

SAMPLES = {"frechet", "kernel", "precision", "recall", "density", "coverage", "authenticity", "memorisation_ct"}
MODES = {"modes_hit", "high_quality", "mode_kl_pq", "mode_kl_qp"}
DIVERGENCE = {"kl_pq", "kl_qp"}


def truth(count: int) -> Tensor:
    mode = torch.randint(2, (count,))
    return torch.tensor(TRUTH.means)[mode] + TRUTH.sigma * torch.randn(count, 2)


class Implicit(GenerativeModel):
    def players(self) -> tuple[Player, ...]:
        return ()

    def sample(self, c: Tensor) -> Tensor:
        return truth(len(c))


class Score:
    """The truth of points; of images the uniform code."""

    def score(self, x: Tensor) -> Tensor:
        return log_density(TRUTH, x) if x.dim() == 2 else torch.full((len(x),), -4 * math.log(4))


class WithExact(Implicit, Exact, Score):
    def log_prob(self, x: Tensor, c: Tensor) -> Tensor:
        return self.score(x)


class WithWeights(Implicit, Weighted, Score):
    """log w = log p + s e - s²/2, so that E[w] = p."""

    def log_weight(self, x: Tensor, c: Tensor) -> Tensor:
        return self.score(x) + torch.randn(len(x)) - 0.5


class WithBound(Implicit, Bounded, Score):
    def elbo(self, x: Tensor, c: Tensor) -> Tensor:
        return self.score(x) - 1


def evidence(model: GenerativeModel, task: Task = POINTS, samples: Tensor | None = None) -> Evidence:
    torch.manual_seed(0)
    x = {name: truth(n) if task is POINTS else _dots(n) for name, n in (("train", 300), ("test", 200), ("fake", 100))}
    fake = x["fake"] if samples is None else samples
    return Evidence(
        model=model, task=task, test=(x["test"], torch.empty(200, 0)), samples=fake, train=x["train"].flatten(1),
        real=x["test"][:100].flatten(1), fake=fake.flatten(1), extractor="identity",
        settings=Settings(
            samples=100, draws=64, chunk=64, neighbours=3, coverage_neighbours=5, conditions=4, repeats=3
        ), seed=3,
    )  # fmt: skip


def _dots(count: int) -> Tensor:
    return IMAGES.event.value(torch.randint(4, (count, 1, 2, 2)))


@pytest.mark.parametrize(
    ("model", "task", "expected"),
    [
        (Implicit(), POINTS, set()),
        (WithExact(), POINTS, {"nats"}),
        (WithWeights(), POINTS, {"nats", "elbo", "iwae_64"}),
        (WithBound(), POINTS, {"nats", "elbo"}),
        (Implicit(), IMAGES, set()),
        (WithExact(), IMAGES, {"bits_per_dim"}),
        (WithWeights(), IMAGES, {"bits_per_dim", "elbo", "iwae_64"}),
        (WithBound(), IMAGES, {"bits_per_dim", "elbo"}),
    ],
    ids=lambda v: type(v).__name__ if isinstance(v, GenerativeModel) else getattr(v, "name", ""),
)
def test_a_metric_is_there_exactly_where_it_applies(model: GenerativeModel, task: Task, expected: set[str]) -> None:
    assert set(measure(evidence(model, task))) == expected | SAMPLES | (MODES | DIVERGENCE if task is POINTS else set())


@pytest.mark.parametrize(
    ("model", "nats", "bits", "kl"),
    [
        (WithExact(), "exact", "exact", "monte-carlo"),
        (WithWeights(), ">= (IWAE-64)", "<= (IWAE-64)", "<= (IWAE-64)"),
        (WithBound(), ">= (ELBO)", "<= (ELBO)", "<= (ELBO)"),
    ],
)
def test_a_bound_says_which_way_it_holds(model: GenerativeModel, nats: str, bits: str, kl: str) -> None:
    points, images = measure(evidence(model)), measure(evidence(model, IMAGES))
    assert (points["nats"]["kind"], images["bits_per_dim"]["kind"], points["kl_pq"]["kind"]) == (nats, bits, kl)
    assert (points["nats"]["better"], images["bits_per_dim"]["better"]) == ("higher", "lower")


def test_a_divergence_without_likelihood_is_a_bound_from_below() -> None:
    found = measure(evidence(Implicit()))
    assert {found[name]["kind"] for name in DIVERGENCE} == {">= (histogram)"}
    assert measure(evidence(WithWeights()))["kl_qp"]["kind"] == ">= (histogram)"


def test_values_are_those_of_theory() -> None:
    exact, weighted, bounded = (measure(evidence(m)) for m in (WithExact(), WithWeights(), WithBound()))
    assert exact["kl_pq"]["value"] == pytest.approx(0, abs=1e-9)
    assert exact["kl_qp"]["value"] == pytest.approx(0, abs=1e-9)
    assert weighted["elbo"]["value"] == pytest.approx(exact["nats"]["value"] - 0.5, abs=0.05)
    assert weighted["nats"]["value"] == pytest.approx(exact["nats"]["value"], abs=0.05)
    assert bounded["kl_pq"]["value"] == pytest.approx(1, abs=1e-9)
    assert measure(evidence(WithExact(), IMAGES))["bits_per_dim"]["value"] == pytest.approx(2)


def test_each_number_carries_its_protocol() -> None:
    found = measure(evidence(WithWeights()))
    assert found["nats"]["protocol"] == "test n=200"
    assert found["frechet"]["protocol"] == "test n=100, fake n=100, identity"
    assert found["recall"]["protocol"] == "test n=100, fake n=100, identity, k=3"
    assert found["coverage"]["protocol"] == "test n=100, fake n=100, identity, k=5"
    assert found["modes_hit"]["protocol"] == "fake n=100, 2 modes, 3 sigma"
    assert found["authenticity"]["protocol"] == "train n=300, fake n=100, identity"
    assert measure(evidence(WithExact()))["nats"]["protocol"] == "test n=200"
    assert measure(evidence(WithBound()))["nats"]["protocol"] == "test n=200"


def test_the_number_of_draws_is_in_the_name() -> None:
    given = evidence(WithWeights())
    found = measure(replace(given, settings=replace(given.settings, draws=8)))
    assert "iwae_8" in found
    assert found["iwae_8"]["kind"] == ">= (IWAE-8)"


def test_a_histogram_of_no_samples_is_absent_and_not_perfect() -> None:
    found = measure(evidence(Implicit(), samples=50 + torch.randn(100, 2)))
    assert (found["modes_hit"]["value"], found["high_quality"]["value"]) == (0, 0)
    assert not {"mode_kl_pq", "mode_kl_qp"} & set(found)


def test_a_conditional_likelihood_is_not_compared_with_an_unconditional_truth() -> None:
    given = evidence(WithExact())
    found = measure(replace(given, task=replace(POINTS, condition=Condition("class", (), 2))))
    assert not DIVERGENCE & set(found)


def test_the_same_evidence_gives_the_same_numbers_whatever_was_drawn_before() -> None:
    first = measure(evidence(WithWeights()))
    second = evidence(WithWeights())
    torch.randn(17)
    assert json.dumps(measure(second)) == json.dumps(first)


def test_a_number_that_is_not_finite_names_its_metric() -> None:
    class Broken(WithBound):
        def elbo(self, x: Tensor, c: Tensor) -> Tensor:
            return torch.full((len(x),), 1.0).index_fill(0, torch.tensor([5]), math.nan)

    with pytest.raises(FloatingPointError, match="item 5 "):
        measure(evidence(Broken()))


def test_every_row_says_unit_and_direction() -> None:
    assert all(metric.unit and metric.better in ("higher", "lower", "none") for metric in METRICS)
    assert {m.name for m in METRICS if m.better == "none"} == {"authenticity", "memorisation_ct"}
