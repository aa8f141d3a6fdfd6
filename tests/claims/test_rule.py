"""Laws of the rule over all claims: how rare false verdicts are, what no difference means, what counts as a model."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from pipeline.claims import coverage, likelihoods
from pipeline.claims.claim import GAN, LIKELIHOOD, roster
from pipeline.claims.contrast import Contrast, by_sign, difference, families, within
from pipeline.claims.rule import ALPHA, judge, judge_all
from pipeline.results.convergence import LIMIT, RISE
from pipeline.results.table import Results
from pipeline.statistics.intervals import TEstimate

CLAIMS, TABLES = 8, 100
Rows = list[tuple[str, str, str, int, str, float]]


def seeds(*values: float) -> Contrast:
    return Contrast("made up", dict(enumerate(values)))


def table(rows: Rows) -> Results:
    frame = pd.DataFrame(rows, columns=["task", "model", "family", "seed", "metric", "value"])
    return Results(frame.assign(kind="exact", better="higher", unit="share", sampling_low=np.nan, sampling_high=np.nan))


def models(rng: np.random.Generator, count: int, mean: float = 0.0) -> dict[str, dict[int, float]]:
    """Models that differ as much as the seeds of one do."""
    centres = rng.normal(mean, 1.0, count)
    return {f"{mean}-{place}": dict(enumerate(rng.normal(centre, 1.0, 3))) for place, centre in enumerate(centres)}


@pytest.mark.parametrize("unit", ["seed", "model"])
@pytest.mark.parametrize("effect", [0.0, 1.0])
def test_a_false_verdict_on_any_claim_is_rare(unit: str, effect: float) -> None:
    """Familywise: of several claims none gets a false verdict in 95 % of tables. At an effect of the size of the
    equivalence bound "no difference" and "contradicted" are false, without any effect the two directions."""
    rng, wrong = np.random.default_rng(0), 0
    false = {"contradicted", "no difference"} if effect else {"supported", "contradicted"}
    for _ in range(TABLES):
        made = []
        for _ in range(CLAIMS):
            if unit == "seed":
                contrasts = [seeds(*rng.normal(effect, 1.0, 5)) for _ in range(2)]
            else:
                contrasts = [families("f", models(rng, 5, effect), models(rng, 4)) for _ in range(2)]
            made.append((contrasts, 1.0))
        wrong += any(found.verdict in false for found in judge_all(made))
    assert wrong / TABLES <= ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / TABLES)


def test_the_correction_is_over_all_claims() -> None:
    """A claim that alone would be supported is not among many that are not."""
    clear, dull = ([seeds(1.0, 1.3, 0.8, 1.1)], None), ([seeds(-1.0, 1.1, 0.1, 0.2)], None)
    assert judge(*clear).verdict == "supported"
    found = judge_all([clear, *[dull] * 30])
    assert found[0].verdict == "undecided"
    assert found[0].p == judge(*clear).p
    assert found[0].p_holm == pytest.approx(31 * (found[0].p or 0))


def test_a_claim_without_a_test_costs_the_others_nothing() -> None:
    clear = ([seeds(1.0, 1.3, 0.8, 1.1)], None)
    silent = [([by_sign(seeds(1.0))], None), ([Contrast("a sweep", {}, ("a sweep",))], None), ([seeds(1.0)], None)]
    assert judge_all([clear, *silent * 10])[0].p_holm == judge(*clear).p_holm


def test_no_difference_is_one_below_the_bound_and_not_one_that_was_not_seen() -> None:
    small, wide = [0.01, -0.01, 0.005, 0.0, 0.002], [0.3, -0.4, 0.2, -0.1, 0.1]
    assert judge([seeds(*small)], 0.1).verdict == "no difference"
    assert judge([seeds(*small)]).verdict == "undecided"
    found = judge([seeds(*wide)], 0.1)
    assert (found.verdict, found.reason) == ("undecided", "too few seeds")


def test_an_effect_that_is_clear_and_small_is_supported() -> None:
    assert judge([seeds(0.011, 0.01, 0.0105, 0.0102)], 0.1).verdict == "supported"


def test_the_bound_of_a_ratio_is_a_ratio() -> None:
    ratio = Contrast("r", dict(enumerate(math.log(1 + x) for x in (0.03, -0.02, 0.01, 0.0))), ratio=True)
    assert judge([ratio], 1.1).verdict == "no difference"
    assert judge([ratio], 1.01).verdict == "undecided"


def test_bounds_of_a_likelihood_show_no_equality() -> None:
    bound = Contrast("b", dict(enumerate([0.001, -0.001, 0.0, 0.002])), excess=frozenset({1}))
    assert judge([bound], 0.1).verdict == "undecided"


def test_a_theorem_that_holds_in_every_training_is_supported_however_skewed() -> None:
    skewed = [by_sign(seeds(0.06, 0.08, 0.1)), by_sign(seeds(825.0, 1.0, 90.0))]
    assert judge([seeds(825.0, 1.0, 90.0)]).verdict == "undecided"
    assert judge(skewed).verdict == "supported"
    assert judge([*skewed, by_sign(seeds(0.1, -0.1, 0.2))]).verdict == "undecided"


def test_the_interval_of_families_is_over_models() -> None:
    a, b = {"x": {0: 1.0, 1: 3.0}, "y": {0: 4.0}}, {"u": {0: 0.0}, "v": {0: 1.0}, "w": {0: 0.5}}
    (found,) = judge([families("f", a, b)]).findings
    assert found.estimate == TEstimate.between([2.0, 4.0], [0.0, 1.0, 0.5])
    assert found.contrast.counts == (2, 3)


def test_a_difference_within_models_leaves_blind_ones_out_by_name() -> None:
    seen, blind = seeds(1.0, 1.1), Contrast("b", {0: -9.0, 1: -9.0}, blind="noise scores as real data do")
    found = within("w", {"a": seen, "b": seen, "c": blind})
    assert (found.blind, found.counts) == ("", (2,))
    assert found.left_out == ("c left out: noise scores as real data do",)
    assert within("w", {"c": blind}).blind == "noise scores as real data do"


def still_rising(*seeds_of_b: int) -> Results:
    rows: Rows = [("ring", model, "vae", seed, "precision", 0.5 + seed / 100) for model in "abc" for seed in range(3)]
    rows += [("ring", "g", "gan", seed, "precision", 0.9) for seed in range(3)]
    rows += [("ring", model, "vae", seed, RISE, LIMIT / 2) for model in "ac" for seed in range(3)]
    rows += [("ring", "b", "vae", seed, RISE, LIMIT * (3 if seed in seeds_of_b else 0.5)) for seed in range(3)]
    return table(rows)


def test_a_training_that_had_not_converged_is_left_out_by_name() -> None:
    results = still_rising(0, 2)
    assert results.seeds("ring", "b", "precision").keys() == {1}
    found = difference("d", results.seeds("ring", "a", "precision"), results.seeds("ring", "b", "precision"))
    assert found.left_out == ("seeds 0, 2 left out, not converged: ring-b",)
    sides = [roster(results, "ring", side, "precision") for side in (GAN, LIKELIHOOD)]
    contrast = families("f", *sides)
    assert contrast.left_out == ("b: not converged: ring-b (seeds 0, 2)",)


def test_what_holds_at_any_step_of_a_training_uses_all_seeds() -> None:
    assert still_rising(0, 2).seeds("ring", "b", "precision", at_any_step=True).keys() == {0, 1, 2}
    rows: Rows = [
        ("ring", "v", "vae", 0, name, value) for name, value in (("elbo", -2.0), ("iwae_64", -1.5), (RISE, 9.0))
    ]
    (draws,) = (claim for claim in likelihoods.CLAIMS if claim.id == "more-draws")
    assert judge(list(draws.contrasts(table(rows)))).verdict == "supported"


def test_a_model_that_did_not_converge_has_no_vote() -> None:
    results = still_rising(0, 1, 2)
    contrast = families("f", *(roster(results, "ring", side, "precision") for side in (GAN, LIKELIHOOD)))
    assert [*contrast.votes[1]] == ["a", "c"]
    assert contrast.left_out == ("b left out: not converged: ring-b (seeds 0, 1, 2)",)
    found = difference("d", results.seeds("ring", "a", "precision"), results.seeds("ring", "b", "precision"))
    assert found.missing == ("d: not converged: ring-b (seeds 0, 1, 2)",)
    assert judge([found]).reason == "not measured"


def test_models_whose_convergence_is_not_decided_count() -> None:
    """As adversarial ones: they have no validation score."""
    assert still_rising().seeds("ring", "g", "precision").keys() == {0, 1, 2}


def test_narrow_models_have_no_vote_in_their_family() -> None:
    rows: Rows = [("grid", name, "flow", 0, "precision", 0.5) for name in ("f", "f_half", "f_eighth")]
    assert table(rows).models("grid", ("flow",)) == ["f"]
    assert table(rows).models("grid", ("flow",), coverage.EIGHTH) == ["f_eighth"]
