"""Which metric applies to which model is decided by capability, and each number says what it is."""

import json
import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from pipeline.contract import (
    Bounded,
    Condition,
    Event,
    Exact,
    Factor,
    GenerativeModel,
    Mixture,
    Player,
    SupportsUnconditional,
    Task,
    Weighted,
)
from pipeline.metrics import registry
from pipeline.metrics.evaluation.context import EvaluationContext, SecondFeatures
from pipeline.metrics.evaluation.measure import measure
from pipeline.metrics.judges.judge import Judge, right
from pipeline.metrics.modes import log_density
from pipeline.metrics.registry import metrics
from pipeline.metrics.second_extractor import NAMES
from pipeline.params import Evaluation

TRUTH = Mixture(((-1.0, 0.0), (1.0, 0.0)), 0.1, (0.5, 0.5))
POINTS = Task("two", Event((2,)), truth=TRUTH)
IMAGES = Task("dots", Event((1, 2, 2), levels=4))

SAMPLES = {
    "frechet_infinity",
    "f_8",
    "f_1_8",
    "frechet",
    "kernel",
    "precision",
    "recall",
    "density",
    "coverage",
    "authenticity",
    "memorisation_ct",
    "memorisation_ct_cells",
    "vendi",
    "p_precision",
    "p_recall",
    "alpha_precision",
    "beta_recall",
    "fld",
    "fld_gap",
    "sliced_wasserstein",
}
COUNTED = {"modes_hit", "modes_hit_truth", "modes_rarefied", "modes_rarefied_truth", "modes_covered"}
MODES = COUNTED | {"high_quality", "mode_kl_pq", "mode_kl_qp"}
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


def evidence(model: GenerativeModel, task: Task = POINTS, samples: Tensor | None = None) -> EvaluationContext:
    torch.manual_seed(0)
    x = {name: truth(n) if task is POINTS else _dots(n) for name, n in (("train", 300), ("test", 200), ("fake", 100))}
    fake = x["fake"] if samples is None else samples
    return EvaluationContext(
        model=model, task=task, test=(x["test"], torch.empty(200, 0)), samples=fake, many=fake,
        c=torch.empty(len(fake), 0),
        train=x["train"].flatten(1), real=x["test"][:100].flatten(1), fake=fake.flatten(1),
        repeated=torch.empty(0, 3, 2), judges={}, extractor="identity",
        settings=Evaluation(
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


def test_intervals_of_the_real_side_are_wider_where_test_items_share_sources() -> None:
    """200 items that are 20 different ones, ten times each."""
    alone = evidence(WithWeights())
    x, c = alone.test
    test, real = (x[:20].repeat(10, 1), c), x[:20].repeat(5, 1)
    shared = replace(alone, test=test, real=real, sources=(torch.arange(200) % 20)[:, None])
    narrow, wide = measure(replace(shared, sources=None)), measure(shared)
    for name in ("nats", "frechet"):
        widths = [found[name]["high"] - found[name]["low"] for found in (narrow, wide)]
        assert widths[0] < widths[1], name
    ratio = [found["nats"]["high"] - found["nats"]["low"] for found in (wide, narrow)]
    assert ratio[0] / ratio[1] == pytest.approx(math.sqrt(10 * 20 / 19), rel=0.05)


def test_a_sampling_interval_holds_its_number() -> None:
    """All have one but an extrapolation, z-scores, what is exact, and a share that all items are in."""
    found = measure(evidence(WithWeights())) | measure(evidence(WithWeights(), IMAGES))
    alone = {name for name, entry in found.items() if "low" not in entry}
    without = {"frechet_infinity", "memorisation_ct", "memorisation_ct_cells", "high_quality", "vendi"}
    assert alone == without | {"modes_hit_truth", "modes_rarefied_truth"}
    for name in found.keys() - alone:
        assert found[name]["low"] <= found[name]["value"] <= found[name]["high"], name
        assert found[name]["low"] < found[name]["high"] or found[name]["value"] in (0, 1, 2), name


def test_a_second_extractor_gives_some_metrics_once_more() -> None:
    given = evidence(Implicit())
    turned = {name: 2 * getattr(given, name).tanh() for name in ("train", "real", "fake")}
    found = measure(replace(given, second=SecondFeatures(**turned, extractor="other")))
    expected = measure(replace(given, **turned, extractor="other"))
    assert set(found) - set(expected) == {f"{name}_second" for name in NAMES}
    for name in NAMES:
        assert found[f"{name}_second"] == expected[name]
    assert found["frechet_second"]["protocol"] == "test n=100, fake n=100, other"


def test_each_number_carries_its_protocol() -> None:
    found = measure(evidence(WithWeights()))
    assert found["nats"]["protocol"] == "test n=200"
    assert found["frechet"]["protocol"] == "test n=100, fake n=100, identity"
    assert found["recall"]["protocol"] == "test n=100, fake n=100, identity, k=3, closed balls"
    assert found["coverage"]["protocol"] == "test n=100, fake n=100, identity, k=5, closed balls"
    assert found["modes_hit"]["protocol"] == "fake n=100, 2 modes, 3 sigma"
    assert found["authenticity"]["protocol"] == "train n=300, fake n=100, identity"
    assert measure(evidence(WithExact()))["nats"]["protocol"] == "test n=200"
    assert measure(evidence(WithBound()))["nats"]["protocol"] == "test n=200"


def test_the_number_of_draws_is_in_the_name() -> None:
    given = evidence(WithWeights())
    found = measure(replace(given, settings=given.settings.model_copy(update={"draws": 8})))
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
    assert all(metric.unit and metric.better in ("higher", "lower", "none") for metric in metrics())
    references = {m.name for m in metrics() if m.name.endswith(registry.REFERENCES)}
    assert {m.name for m in metrics() if m.better == "none"} - references == {
        "authenticity", "memorisation_ct", "memorisation_ct_cells", "fld_gap", "conditional_diversity", "vendi",
        "log_normaliser", "chain_acceptance", "chain_effective", "chain_length",
    }  # fmt: skip
    assert all(m.better == "none" for m in metrics() if m.name in references)


CLASSES = Task("shades", IMAGES.event, Condition("class", (), 4), factors=(Factor("shade", (0.4, 0.3, 0.2, 0.1)),))
CONDITIONAL = {
    "class_accuracy", "class_accuracy_ceiling", "class_accuracy_floor", "conditional_diversity",
    "conditional_diversity_real", "conditional_precision", "conditional_recall",
}  # fmt: skip
FACTORS = COUNTED | {"mode_kl_pq", "mode_kl_qp", "tail_recall", "tail_covered"}


class Shade(Judge):
    """The level of the first pixel."""

    @property
    def id(self) -> str:
        return "shade"

    def read(self, x: Tensor) -> Tensor:
        return CLASSES.event.index(x)[:, :1, 0, 0]

    def each(self, answer: Tensor, c: Tensor) -> Tensor:
        return right(answer, c)


class Forgetful(WithExact, SupportsUnconditional):
    """Without its condition half a nat worse."""

    def unconditional(self) -> GenerativeModel:
        return Blind()


class Blind(WithExact):
    def score(self, x: Tensor) -> Tensor:
        return super().score(x) - 0.5


def shades(c: Tensor) -> Tensor:
    """Images (N, 1, 2, 2) whose first pixel is what was asked for, c (N,), and the others anything."""
    x = _dots(len(c))
    x[:, 0, 0, 0] = IMAGES.event.value(c)
    return x


def conditional(model: GenerativeModel, made: Tensor, asked: Tensor) -> EvaluationContext:
    """Samples that show the classes `made` (M,) where `asked` (M,) was asked for."""
    torch.manual_seed(0)
    given, samples = torch.multinomial(torch.tensor(CLASSES.factors[0].weights), 200, replacement=True), shades(made)
    test, repeated = shades(given), shades(torch.arange(4).repeat_interleave(25))
    return replace(
        evidence(model, IMAGES), task=CLASSES, test=(test, given), samples=samples, many=samples, c=asked,
        real=test[:100].flatten(1), fake=samples.flatten(1), repeated=repeated.flatten(1).unflatten(0, (4, 25)),
        judges={"class": Shade(), "factors": Shade()},
    )  # fmt: skip


def asked() -> Tensor:
    return torch.arange(4).repeat_interleave(torch.tensor([40, 30, 20, 10]))


def test_what_needs_a_condition_is_there_with_one() -> None:
    found = set(measure(conditional(Implicit(), asked(), asked())))
    assert found == SAMPLES | CONDITIONAL | FACTORS


def test_a_model_that_obeys_reaches_the_ceiling_and_one_that_does_not_the_floor() -> None:
    obeys, ignores = (measure(conditional(Implicit(), made, asked())) for made in (asked(), asked().flip(0)))
    assert obeys["class_accuracy"]["value"] == obeys["class_accuracy_ceiling"]["value"] == 1
    floor = sum(w**2 for w in CLASSES.factors[0].weights)
    assert obeys["class_accuracy_floor"]["value"] == pytest.approx(floor, abs=0.08)
    assert ignores["class_accuracy"]["value"] < floor
    assert ignores["conditional_precision"]["value"] < obeys["conditional_precision"]["value"]
    assert ignores["precision"]["value"] == pytest.approx(obeys["precision"]["value"], abs=0.1)


def test_samples_like_the_data_are_as_varied_under_a_fixed_class() -> None:
    found = measure(conditional(Implicit(), asked(), asked()))
    real = found["conditional_diversity_real"]["value"]
    assert 0.5 < real < 1
    assert found["conditional_diversity"]["value"] == pytest.approx(real, abs=0.1)


def test_modes_of_the_factors_are_those_that_the_judge_sees() -> None:
    right, one = (measure(conditional(Implicit(), made, asked())) for made in (asked(), torch.zeros_like(asked())))
    assert (right["modes_hit"]["value"], right["tail_recall"]["value"]) == (4, 1)
    assert right["mode_kl_pq"]["value"] < 0.01
    assert (one["modes_hit"]["value"], one["tail_recall"]["value"]) == (1, 0)
    assert right["modes_hit"]["protocol"] == "fake n=100, 4 modes, shade"
    assert (right["modes_covered"]["value"], right["tail_covered"]["value"]) == (4, 1)
    assert (one["modes_covered"]["value"], one["tail_covered"]["value"]) == (1, 0)


def test_a_model_that_forgets_has_a_second_likelihood_of_its_own_name() -> None:
    forgetful = conditional(Forgetful(), asked(), asked())
    found = measure(forgetful)
    lost = found["bits_per_dim_unconditional"]["value"] - found["bits_per_dim"]["value"]
    assert lost == pytest.approx(0.5 / (4 * math.log(2)))
    assert found["bits_per_dim_unconditional"]["protocol"] == "test n=100"
    assert found["bits_per_dim_unconditional"]["kind"] == "exact"
    assert "bits_per_dim_unconditional" not in measure(conditional(WithExact(), asked(), asked()))
    assert "bits_per_dim_unconditional" not in measure(evidence(Forgetful(), IMAGES))


def test_each_number_of_a_condition_carries_its_protocol() -> None:
    found = measure(conditional(Implicit(), asked(), asked()))
    assert found["class_accuracy"]["protocol"] == "fake n=100, shade"
    assert found["class_accuracy_floor"]["protocol"] == "test n=200, shade"
    precision = "test n=100, fake n=100, identity, k=3, closed balls"
    assert found["conditional_recall"]["protocol"] == f"{precision}, 4 of 4 classes"
    assert found["conditional_diversity"]["protocol"] == "test n=100, fake n=4 x 25, identity"
    assert found["conditional_diversity_real"]["protocol"] == "test n=100, identity"
