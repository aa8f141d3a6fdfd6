"""Promises of the verdicts: the known answer on made-up tables, the null included."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pipeline.claims import coverage, rank_correlation
from pipeline.claims.claim import EXACT, LIKELIHOOD, SIDES, roster, seeing
from pipeline.claims.claims_md import CATALOGUE, as_json, as_markdown, judged
from pipeline.claims.contrast import Contrast, by_sign, difference, log_ratio, unmeasured
from pipeline.claims.coverage import CAPACITY, MODES, SETTINGS, TURNED
from pipeline.claims.likelihoods import DIGITS, FLOWS, MIXTURES, OTHERS, RIVALS
from pipeline.claims.objectives import IMAGES, TASKS
from pipeline.claims.rule import ALPHA, ONE_SEED, judge
from pipeline.params import Params, load
from pipeline.results import objective_series
from pipeline.results.column import FALL, RISE
from pipeline.results.table import Results, base

FIELDS = {
    "id", "statement", "short", "metric", "groups", "test", "effect", "interval", "verdict", "reason", "margin", "p",
    "p_holm", "missing", "figure",
}  # fmt: skip


def contrast(*values: float) -> Contrast:
    return Contrast("made up", dict(enumerate(values)))


COLUMNS = ["task", "model", "family", "seed", "metric", "value"]
WHOLE = [*COLUMNS, "kind", "better", "unit", "sampling_low", "sampling_high"]


def table(kinds: Mapping[str, str] = {}, **metrics: Mapping[str, list[float]]) -> Results:
    """metric -> 'task model family' -> a value for each seed; `kinds` by model, 'exact' where none is given."""
    rows = [
        (*cell.split(), seed, metric, value, kinds.get(cell.split()[1], "exact"), "higher", "share", np.nan, np.nan)
        for metric, cells in metrics.items()
        for cell, values in cells.items()
        for seed, value in enumerate(values)
    ]
    return Results(pd.DataFrame(rows, columns=WHOLE))


def records(results: Results) -> Iterator[tuple[str, dict[str, Any]]]:
    for record in json.loads(as_json(judged(results), ())):
        yield record["id"], record


def verdict(claim: str, results: Results) -> str:
    return next(found.verdict for one, found in judged(results) if one.id == claim)


def test_supported_needs_every_contrast_above_zero() -> None:
    assert judge([contrast(1.0, 1.1, 0.9)]).verdict == "supported"
    assert judge([contrast(1.0, 1.1, 0.9), contrast(0.1, -0.1, 0.05)]).verdict == "undecided"


def test_one_contrast_below_zero_contradicts_at_bonferronis_level() -> None:
    assert judge([contrast(-1.0, -1.1, -0.9)]).verdict == "contradicted"
    barely = contrast(-1.0, -0.2, -0.8)
    weakest = judge([barely]).weakest
    assert weakest is not None
    low, high = (float(end) for end in (weakest.interval or ())[1:3])
    assert low < 0 < high
    assert judge([barely, contrast(1.0, 1.1, 0.9)]).verdict == "undecided"


def test_one_seed_and_what_is_not_measured_decide_nothing() -> None:
    assert judge([contrast(5.0)]).missing == (f"made up: {ONE_SEED}",)
    assert judge([contrast(5.0)]).verdict == judge([unmeasured("a sweep")]).verdict == "undecided"
    assert judge([contrast(1.0, 1.1), unmeasured("a sweep")]).missing == ("a sweep",)
    assert judge([contrast(5.0)]).reason == "too few seeds"
    assert judge([unmeasured("a sweep")]).reason == "not measured"


def test_a_claim_that_compares_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a contrast"):
        judge([])


@pytest.mark.parametrize(("contrasts", "seeds"), [(1, 3), (1, 5), (4, 3)])
def test_under_the_null_a_verdict_is_rare(contrasts: int, seeds: int) -> None:
    """Two-sided 5 % with one contrast; with several, less for and at most half of that against."""
    rng = np.random.default_rng(0)
    words = [judge([contrast(*rng.normal(size=seeds)) for _ in range(contrasts)]).verdict for _ in range(1000)]
    share = sum(word != "undecided" for word in words) / 1000
    assert share <= ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / 1000)
    if contrasts == 1:
        assert share >= ALPHA - 3 * math.sqrt(ALPHA * (1 - ALPHA) / 1000)


def test_differences_are_paired_and_ratios_are_logarithms() -> None:
    assert difference("d", {0: 3.0, 1: 5.0}, {1: 1.0, 2: 9.0}).seeds == {1: 4.0}
    assert log_ratio("r", {0: 6.0}, {0: 3.0}).seeds == {0: pytest.approx(math.log(2))}
    assert difference("d", {0: 1.0}, {1: 1.0}).missing


def test_two_models_are_independent_samples_and_one_model_is_paired_with_itself() -> None:
    """One seed shows two models the same batches, but their scores do not correlate over seeds."""
    a, b = [3.0, 3.1, 2.9, 3.4], [2.0, 2.2, 2.1, 2.6]
    cells = {"t a f": a, "t b f": b, "t b_half f": a, "u b f": a}
    results = table(m=cells, other={"t b f": a})

    def interval(first: tuple[str, str, str], second: tuple[str, str, str]) -> tuple[float, ...]:
        (found,) = judge([difference("d", results.seeds(*first), results.seeds(*second))]).findings
        assert found.interval is not None
        return tuple(float(end) for end in found.interval[1:3] if end is not None)

    independent = stats.ttest_ind(a, b, equal_var=False).confidence_interval()
    paired = stats.ttest_rel(a, b).confidence_interval()
    assert interval(("t", "a", "m"), ("t", "b", "m")) == pytest.approx(tuple(independent))
    for same in (("t", "b_half", "m"), ("u", "b", "m"), ("t", "b", "other")):
        assert interval(same, ("t", "b", "m")) == pytest.approx(tuple(paired))


def costs(slow: float, fast: float, **seconds: list[float]) -> Results:
    """Depths of an autoregressive model that samples in `slow` operations, and of a flow that takes `fast`."""
    models = ("conditional_pixelcnn", "conditional_glow")
    depths = {
        "sample_depth": {f"shapes_none {m} f": [of] * 3 for m, of in zip(models, (slow, fast), strict=True)},
        "likelihood_depth": {f"shapes_none {m} f": [60.0] * 3 for m in models},
    }
    times = {"sample_seconds_per_1000": {f"shapes_none {m} f": of for m, of in seconds.items()}}
    return table(**depths, **times)


@pytest.mark.parametrize("seconds", [[0.1, 0.1, 0.1], [90.0, 1.0, 30.0]])
def test_counts_decide_on_speed_and_seconds_do_not(seconds: list[float]) -> None:
    supported = costs(18848.0, 200.0, conditional_pixelcnn=seconds, conditional_glow=[5.0, 5.0, 5.0])
    assert verdict("slow-sampling", supported) == verdict("fast-both-ways", supported) == "supported"
    assert verdict("slow-sampling", costs(50.0, 200.0)) == "contradicted"
    assert verdict("fast-both-ways", costs(18848.0, 20000.0)) == "contradicted"
    assert verdict("slow-sampling", table(sample_seconds_per_1000={"shapes_none conditional_pixelcnn f": seconds})) == (
        "undecided"
    )
    text = as_markdown(judged(supported), ())
    assert f"decides nothing: conditional_pixelcnn, seconds for 1,000: sample {np.mean(seconds):.3g}; " in text


def test_counts_without_noise_decide_by_their_sign_also_on_one_seed() -> None:
    assert judge([by_sign(contrast(2.0, 2.0))]).verdict == judge([by_sign(contrast(2.0))]).verdict == "supported"
    assert judge([by_sign(contrast(-2.0))]).verdict == "contradicted"
    assert judge([by_sign(contrast(0.0, 0.0))]).verdict == judge([by_sign(contrast(2.0, -2.0))]).verdict == "undecided"
    assert judge([by_sign(unmeasured("depths"))]).verdict == "undecided"


LIKELIHOOD_MODELS = ("a autoregressive", "b flow", "c vae", "d diffusion")
GANS = ("x gan", "y gan", "z gan")


def sides(likelihood: Iterable[float], gans: Iterable[float]) -> dict[str, list[float]]:
    """Three seeds of each of four likelihood models and three GANs, about the means given."""
    means = [*zip(LIKELIHOOD_MODELS, likelihood, strict=True), *zip(GANS, gans, strict=True)]
    return {name: [mean, mean + 0.01, mean - 0.01] for name, mean in means}


def on(tasks: Iterable[str], models: Mapping[str, list[float]]) -> dict[str, list[float]]:
    return {f"{task} {model}": values for task in tasks for model, values in models.items()}


def test_a_seed_that_a_cell_lacks_is_left_out_by_name() -> None:
    cells = {"digits plain_autoencoder f": [0.3, 0.31, 0.29], "digits denoising_autoencoder f": [0.1, 0.11]}
    found = judged(table(restoration=cells))
    (record,) = (one for one in json.loads(as_json(found, ())) if one["id"] == "denoising")
    (one,) = record["contrasts"]
    assert one["units"] == [2]
    assert one["left_out"] == ["seed 2 left out, without restoration of digits-denoising_autoencoder"]
    assert f"- {one['name']}: {one['left_out'][0]}\n" in as_markdown(found, ())


def test_what_is_left_out_stays_known_through_a_difference_of_differences() -> None:
    results = table(m={"t a f": [1.0, 2.0, 4.0], "t b f": [1.0, 1.0]})
    three, two = (results.seeds("t", model, "m") for model in "ab")
    once = difference("once", three, two).seeds
    assert difference("twice", once, three).left_out == ("seed 2 left out, without m of t-b",)


def test_every_seed_there_is_is_used_or_left_out_aloud() -> None:
    assert difference("d", {0: 3.0, 1: 5.0}, {1: 1.0, 2: 9.0}).left_out == ("seeds 0, 2 left out, not on both sides",)
    assert log_ratio("r", {0: 6.0, 1: 0.0}, {0: 3.0, 1: 1.0}).left_out == ("seed 1 left out, not positive",)
    assert difference("d", {0: 1.0}, {1: 1.0}).left_out == ()
    assert difference("d", {0: 1.0}, {0: 2.0}).left_out == ()


def test_modes_that_gans_drop_support_that_likelihood_covers() -> None:
    def modes(likelihood: Iterable[float], gans: Iterable[float]) -> Results:
        cells = {}
        for task, count in MODES.items():
            shares = sides(likelihood, gans)
            cells |= on((task,), {name: [count * share for share in of] for name, of in shares.items()})
        return table(modes_covered=cells)

    assert verdict("likelihood-covers", modes((1.0, 0.97, 0.95, 0.99), (0.5, 0.45, 0.55))) == "supported"
    assert verdict("likelihood-covers", modes((0.5, 0.45, 0.55, 0.5), (0.9, 0.95, 0.99))) == "contradicted"
    assert verdict("likelihood-covers", modes((1.0, 0.0, 1.0, 0.1), (0.5, 0.3, 0.6))) == "undecided"
    assert verdict("likelihood-covers", modes((0.9, 0.91, 0.92, 0.9), (0.91, 0.9, 0.92))) == "no difference"


def seeking(likelihood: Iterable[float], **more: list[float]) -> Results:
    """GANs of precision .9 and recall .3; likelihood models of recall .8 and the precisions given."""
    extra = on(coverage.TASKS, {f"{name} flow": values for name, values in more.items()})
    precision = on(coverage.TASKS, sides(likelihood, (0.9, 0.91, 0.89)))
    recall = on(coverage.TASKS, sides((0.8, 0.81, 0.79, 0.8), (0.3, 0.31, 0.29)))
    return table(precision=precision | extra, recall=recall)


def test_each_model_of_a_family_has_one_vote() -> None:
    """However many seeds it has: the same means of other numbers of seeds give the same verdict and interval."""
    few = dict(records(seeking((0.5, 0.52, 0.48, 0.5), e=[0.51, 0.49])))["gan-seeks"]
    many = dict(records(seeking((0.5, 0.52, 0.48, 0.5), e=[0.51, 0.49] * 5)))["gan-seeks"]
    assert few["verdict"] == many["verdict"] == "supported"
    assert few["contrasts"][0]["interval"] == pytest.approx(many["contrasts"][0]["interval"])
    assert few["contrasts"][0]["units"] == [3, 5]
    votes = many["contrasts"][0]["models"]
    assert (votes["e"]["mean"], votes["e"]["seeds"], len(votes)) == (pytest.approx(0.5), 10, 8)


def test_one_outlier_of_a_family_does_not_decide_for_it() -> None:
    """Seeds of one model far off are no evidence of its family: the interval is over models."""
    found = dict(records(seeking((0.5, 0.52, 0.48, 3.0))))["gan-seeks"]
    assert (found["verdict"], found["reason"]) == ("undecided", "too few models")


def test_a_family_of_one_model_decides_nothing() -> None:
    cells = {name: of for name, of in sides((0.5, 0.52, 0.48, 0.5), (0.9, 0.9, 0.9)).items() if name not in GANS[1:]}
    found = dict(records(table(precision=on(coverage.TASKS, cells), recall=on(coverage.TASKS, cells))))["gan-seeks"]
    assert (found["verdict"], found["reason"]) == ("undecided", "too few models")
    assert any("one model" in what for what in found["missing"])


def roster_sizes(params: Params, task: str) -> dict[str, int]:
    """Side -> models at full width that a suite measures on a task."""
    events = params.task_events[task]
    names = {cell.model for cell in params.cells if cell.task == task and base(cell.model) == cell.model}
    names -= objective_series.models()
    families = [params.model(events, name).family for name in names]
    return {side: sum(family in of for family in families) for side, of in SIDES.items()}


def test_the_tasks_of_a_claim_on_families_have_two_models_of_each() -> None:
    """A rule that looks at params.yaml alone, not at results."""
    params = load(Path("params.yaml"))
    tasks = {cell.task for suite in params.selected(everything=True).values() for cell in suite.cells()}
    enough = [task for task in tasks if min(roster_sizes(params, task).values()) >= 2]
    assert sorted(enough) == sorted(coverage.TASKS)
    assert set(MODES) < set(coverage.TASKS)
    for family in ("autoregressive", *OTHERS):
        models = {cell.model for cell in params.cells if cell.task == DIGITS}
        assert len({base(model) for model in models if params.model("images", model).family == family}) >= 2


def test_the_models_that_a_claim_names_are_on_its_task_in_params() -> None:
    params = load(Path("params.yaml"))
    on_task = {(cell.task, cell.model) for cell in params.cells}
    declared = [(task, model) for task in rank_correlation.TASKS for model in EXACT]
    declared += [("digits", model) for models in (FLOWS, *RIVALS.values()) for model in models]
    assert set(declared) <= on_task
    assert {cell.task for cell in params.sweeps} >= set(TURNED)
    assert {cell.task for cell in params.cells if cell.model.endswith("_eighth")} == set(CAPACITY)
    assert {cell.task for cell in params.cells if cell.model == "iwae"} >= set(MIXTURES)


def test_autoregressive_models_are_compared_with_each_other_family() -> None:
    def bits(flows: float, **kinds: str) -> Results:
        means = {"a autoregressive": 3.0, "b autoregressive": 3.02, "c autoregressive": 2.98}
        means |= {"f flow": flows, "g flow": flows + 0.02, "h flow": flows + 0.01}
        means |= {f"{name} vae": 9.0 + 0.1 * place for place, name in enumerate("uvw")}
        means |= {f"{name} diffusion": 9.0 + 0.1 * place for place, name in enumerate("xyz")}
        return table(kinds, bits_per_dim={f"{DIGITS} {name}": [mean, mean + 0.01] for name, mean in means.items()})

    assert verdict("autoregressive-likelihood", bits(3.5)) == "supported"
    assert verdict("autoregressive-likelihood", bits(2.0)) == "contradicted"
    assert verdict("autoregressive-likelihood", bits(3.5, u="<= (IWAE-64)")) == "undecided"
    assert verdict("autoregressive-likelihood", bits(2.0, f="<= (ELBO)")) == "contradicted"


def test_no_score_of_a_model_selects_what_is_compared() -> None:
    """The contrasts and their models are the same whatever the models score; only controls and sizes enter."""
    frame = pd.read_csv("reports/results.csv", keep_default_na=False, na_values=[""])
    scores = (frame["family"] != "control") & ~frame["metric"].isin(["parameters", RISE, FALL])
    rng = np.random.default_rng(0)

    def compared(frame: pd.DataFrame) -> dict[str, list[tuple[object, ...]]]:
        results = Results(frame)
        return {
            claim.id: [(c.name, c.blind, *map(tuple, c.votes)) for c in claim.contrasts(results)] for claim in CATALOGUE
        }

    shuffled = frame.copy()
    shuffled.loc[scores, "value"] = rng.uniform(0.1, 1, scores.sum())
    assert compared(shuffled) == compared(frame)


def by_objective(divergences: Callable[[str, str], tuple[float, float]]) -> Results:
    """`divergences`: (architecture, objective) -> (KL(p || q), KL(q || p)), on every task of that architecture."""
    noise = (0.0, 0.01, -0.01)
    values: dict[str, dict[str, list[float]]] = {"kl_pq": {}, "kl_qp": {}, "bits_per_dim": {}, "precision": {}}
    for architecture, family in objective_series.ARCHITECTURES.items():
        of_points = architecture in objective_series.POINTS
        for objective in {name for settings in objective_series.KNOBS.values() for name in settings}:
            pair = divergences(architecture, objective)
            metrics = ("kl_pq", "kl_qp") if of_points else ("bits_per_dim", "precision")
            measured = zip(metrics, pair if of_points else pair[:1] * 2, strict=True)
            for task, (metric, value) in product(TASKS if of_points else [IMAGES], measured):
                cell = f"{task} {objective_series.model(architecture, objective)} {family}"
                values[metric][cell] = [value + one for one in noise]
    return table(**values)


def place(objective: str) -> float:
    """From 0 (forward KL) to 1, of a model that each knob moves as it should."""
    settings = next(one for one in objective_series.KNOBS.values() if objective in one)
    return list(settings).index(objective) / (len(settings) - 1)


OBJECTIVE_CLAIMS = ("objective-decides", "critic-seeks", "knob-moves")


def test_an_objective_that_trades_one_divergence_for_the_other_supports_its_claims() -> None:
    results = by_objective(lambda _, objective: (1 + place(objective), 2 - place(objective)))
    assert [verdict(claim, results) for claim in OBJECTIVE_CLAIMS] == ["supported"] * 3


def test_an_objective_that_is_worse_in_both_divergences_contradicts_them() -> None:
    results = by_objective(lambda _, objective: (1 + place(objective), 1 + place(objective)))
    assert [verdict(claim, results) for claim in OBJECTIVE_CLAIMS] == ["contradicted"] * 3


def test_a_family_that_decides_more_than_the_objective_contradicts_that_the_objective_decides() -> None:
    better = {"spline_flow": 0.0, "ar_mixture": 3.0, "realnvp": 0.0}
    results = by_objective(lambda family, name: (better[family] + place(name), better[family] - place(name)))
    assert verdict("objective-decides", results) == "contradicted"
    assert verdict("critic-seeks", results) == verdict("knob-moves", results) == "supported"


UPPER, LOWER, EXACTLY = "<= (IWAE-64)", ">= (IWAE-64)", "exact"


@pytest.mark.parametrize(
    ("a", "b", "above", "below"),
    [
        (EXACTLY, EXACTLY, "supported", "contradicted"),
        (UPPER, EXACTLY, "undecided", "contradicted"),
        (EXACTLY, LOWER, "undecided", "contradicted"),
        (LOWER, EXACTLY, "supported", "undecided"),
        (EXACTLY, UPPER, "supported", "undecided"),
        (LOWER, UPPER, "supported", "undecided"),
        (UPPER, LOWER, "undecided", "contradicted"),
        (UPPER, UPPER, "undecided", "undecided"),
        (LOWER, LOWER, "undecided", "undecided"),
    ],
)
def test_a_sign_that_may_be_that_of_a_bounds_slack_decides_nothing(a: str, b: str, above: str, below: str) -> None:
    results = table({"a": a, "b": b}, nats={"t a f": [3.0, 3.1, 2.9], "t b f": [1.0, 1.0, 1.0]})
    high, low = (results.seeds("t", model, "nats") for model in "ab")
    flipped = table({"a": a, "b": b}, nats={"t a f": [1.0, 1.0, 1.0], "t b f": [3.0, 3.1, 2.9]})
    found = judge([difference("d", high, low)])
    assert found.verdict == above
    assert found.inconclusive == (() if above == "supported" else ("d",))
    assert judge([difference("d", *(flipped.seeds("t", model, "nats") for model in "ab"))]).verdict == below
    assert judge([difference("d", high, low, as_reported=True)]).verdict == "supported"


def test_a_difference_of_differences_of_bounds_is_not_conclusive() -> None:
    results = table(dict.fromkeys("ab", UPPER), nats={"t a f": [3.0, 3.1, 2.9], "t b f": [1.0, 1.0, 1.0]})
    once = difference("once", *(results.seeds("t", model, "nats") for model in "ab")).seeds
    assert judge([difference("twice", once, {0: 1.0, 1: 1.0, 2: 1.0})]).verdict == "undecided"


def controlled(noise: float) -> Results:
    """Recall of two models that differ, on a task where noise scores as given and held-out data .9."""
    models = {"t a f": [0.8, 0.81, 0.8], "t b f": [0.5, 0.5, 0.5]}
    found = table(recall=models | {"t real control": [0.9] * 3, "t noise control": [noise] * 3})
    return Results(
        found.frame, pd.DataFrame({"task": "t", "model": "a", "seed": [0, 1], "setting": 1.0, "recall": 0.5})
    )


def test_a_contrast_of_a_blind_metric_is_set_aside_with_the_reason() -> None:
    a, b = (controlled(0.1).seeds("t", model, "recall") for model in "ab")
    assert judge([difference("d", a, b)]).verdict == "supported"
    results = controlled(0.95)
    a, b = (results.seeds("t", model, "recall") for model in "ab")
    derived = [difference("d", a, b), log_ratio("r", b, a), difference("twice", difference("d", a, b).seeds, {0: 0.0})]
    derived.append(difference("turned", results.at_setting("t", "a", 1.0, "recall"), {0: 0.0}))
    found = judge(derived)
    assert (found.verdict, found.findings, found.weakest) == ("undecided", (), None)
    assert [finding.contrast.blind for finding in found.aside] == ["t recall is blind: noise scores 0.95, real 0.9"] * 4
    assert found.missing == ("no contrast of the claim is left: all are set aside",)


def test_each_property_is_judged_by_the_first_metric_that_the_controls_admit() -> None:
    """No score of a model enters: the second metric where noise is as good as real data in the first."""
    cells = {"t real control": [0.9, 0.91], "t noise control": [0.1, 0.1], "t a gan": [0.5, 0.6]}
    blind = cells | {"t noise control": [0.95, 0.95]}
    assert seeing(table(one=cells, other=cells), "t", ("one", "other")) == "one"
    assert seeing(table(one=blind, other=cells), "t", ("one", "other")) == "other"
    assert seeing(table(one=blind, other=blind), "t", ("one", "other")) == "one"
    assert seeing(table(one=blind), "t", ("one", "other")) == "one"


def test_models_with_an_objective_of_their_own_stand_for_no_family() -> None:
    results = table(recall={"t spline_flow_nonsaturating flow": [0.1], "t spline_flow flow": [0.9]})
    assert list(roster(results, "t", LIKELIHOOD, "recall")) == ["spline_flow"]


def test_what_is_set_aside_counts_neither_for_nor_against() -> None:
    blind = Contrast("blind", {0: -9.0, 1: -9.1, 2: -9.0}, blind="noise scores as real data do")
    seen = contrast(1.0, 1.1, 0.9)
    found = judge([seen, blind])
    assert found.verdict == "supported"
    assert found.findings == judge([seen]).findings
    other = judge([seen, replace(blind, part="recall")])
    assert (other.verdict, other.missing) == ("undecided", ("no contrast of recall is left: all are set aside",))


def test_the_files_name_what_is_set_aside_and_what_is_not_conclusive() -> None:
    claim = replace(CATALOGUE[0], contrasts=lambda _: [Contrast("b", {0: 1.0, 1: 1.1}, blind="blind: noise"), bound])
    bound = Contrast("a bound", {0: 1.0, 1: 1.1, 2: 1.0}, excess=frozenset({1}))
    found = judged(table(), [claim])
    (record,) = json.loads(as_json(found, ()))
    assert [(one["name"], one["reason"]) for one in record["set_aside"]] == [("b", "blind: noise")]
    assert record["inconclusive"] == ["a bound"]
    text = as_markdown(found, ())
    assert "- set aside, since blind: noise: b\n" in text
    assert "- not conclusive: a bound: the sign may be that of the slack of a bound\n" in text


def orders(frechet: Callable[[int, int], float], noise: Callable[[], float] = lambda: 0.0) -> Results:
    """The exact models in the order of their number by likelihood; by Fréchet distance as (model, seed) says."""
    cells = [(task, i) for task in rank_correlation.TASKS for i in range(len(EXACT))]
    return table(
        nats={f"{task} {EXACT[i]} flow": [i + noise() for _ in range(5)] for task, i in cells},
        frechet={f"{task} {EXACT[i]} flow": [frechet(i, seed) for seed in range(5)] for task, i in cells},
    )


def test_two_orders_are_not_one_that_is_noisy() -> None:
    rng = np.random.default_rng(0)
    for sd in (0.1, 1.0, 5.0):
        assert verdict("two-orders", orders(lambda i, _, sd=sd: 9 - i + sd * rng.standard_normal())) == "undecided"
    other = [3, 0, 5, 1, 4, 2]
    assert verdict("two-orders", orders(lambda i, seed: 9 + other[i] + 0.5 * rng.standard_normal())) == "supported"


@pytest.mark.parametrize(("likelihood", "frechet"), [(0.1, 3.0), (3.0, 3.0), (3.0, 0.1), (1.0, 1.0)])
@pytest.mark.parametrize("base", [None, 1.8])
def test_one_order_is_rarely_called_two(likelihood: float, frechet: float, base: float | None) -> None:
    """Noise of up to three steps between models: at most 5 % of single tasks, where a claim needs all four."""
    rng = np.random.default_rng(1)
    truth = np.arange(6.0)
    other = truth if base is None else base**truth
    wrong = 0
    for _ in range(500):
        x = truth + likelihood * rng.standard_normal((5, 6))
        y = other + frechet * rng.standard_normal((5, 6))
        values = rank_correlation.one_minus_correlation(x, y)
        if values is not None:
            wrong += judge([contrast(*values)]).verdict == "supported"
    assert wrong / 500 <= 0.05


def test_the_corrected_correlation_of_two_orders_is_the_true_one() -> None:
    """Noise lowers the plain correlation to about half; corrected, its mean stays that of the expected ranks."""
    rng, truth, other = np.random.default_rng(2), np.arange(6.0), np.array([1.0, 0.0, 3.0, 2.0, 5.0, 4.0])
    found = []
    for _ in range(300):
        x, y = (side + 0.7 * rng.standard_normal((5, 6)) for side in (truth, other))
        values = rank_correlation.one_minus_correlation(x, y)
        assert values is not None
        found.append(1 - values.mean())
    exact = np.corrcoef(truth, other)[0, 1]
    assert np.mean(found) == pytest.approx(exact, abs=0.1)
    assert rank_correlation.one_minus_correlation(rng.standard_normal((5, 6)), rng.standard_normal((5, 6))) is None


def turns(down: tuple[float, float]) -> pd.DataFrame:
    """Four models with each knob: (.6, .8) at 1, and about `down` = (precision, recall) where it is turned down."""
    rows = [
        (TURNED[0], f"{knob}-{model}", seed, knob, at, *(value + 1e-3 * (seed + model) * (at != 1) for value in ends))
        for knob, low in SETTINGS.items()
        for model in range(4)
        for seed in range(3)
        for at, ends in ((1.0, (0.6, 0.8)), (low, down))
    ]
    return pd.DataFrame(rows, columns=["task", "model", "seed", "knob", "setting", "precision", "recall"])


@pytest.mark.parametrize(
    ("down", "word"), [((0.8, 0.5), "supported"), ((0.8, 0.9), "contradicted"), ((0.5975, 0.5), "no difference")]
)
def test_a_knob_has_to_buy_precision_and_to_pay_in_recall(down: tuple[float, float], word: str) -> None:
    empty = pd.DataFrame(columns=["task", "model", "family", "seed", "metric", "value"])
    assert verdict("knob", Results(empty, turns(down))) == word


def narrow(likelihood: tuple[float, float], gan: tuple[float, float]) -> Results:
    """What an eighth of the width leaves of precision .9 and recall .9, of three models of each side."""
    cells: dict[str, dict[str, list[float]]] = {"precision": {}, "recall": {}}
    for task in CAPACITY:
        for place, name in enumerate(("a flow", "b vae", "c autoregressive", "x gan", "y gan", "z gan")):
            model, family = name.split()
            left = gan if family == "gan" else likelihood
            for metric, value, step in zip(("precision", "recall"), left, (0.01, 0.005), strict=True):
                mean = value + step * (place % 3)
                cells[metric] |= {
                    f"{task} {model} {family}": [0.9, 0.9, 0.9],
                    f"{task} {model}_eighth {family}": [mean, mean + step, mean - step],
                }
    return table(**cells)


def test_capacity_is_lost_where_the_textbook_says_or_is_not() -> None:
    assert verdict("capacity", narrow((0.3, 0.8), (0.8, 0.3))) == "supported"
    assert verdict("capacity", narrow((0.8, 0.3), (0.8, 0.3))) == "contradicted"
    assert verdict("capacity", narrow((0.3, 0.8), (0.55, 0.55))) != "supported"


def test_a_flow_is_compared_with_the_largest_rival_that_is_no_larger() -> None:
    """The rival is chosen by its size: a smaller one, however good on the test split, is not looked at."""

    def widths(flow: float, rival: float, kind: str = "exact") -> Results:
        bits, parameters = {}, {}
        for rank, width in enumerate(("", "_half", "_quarter", "_eighth")):
            bits[f"digits realnvp{width} flow"] = [flow, flow + 0.01, flow - 0.01]
            bits[f"digits pixelcnn{width} autoregressive"] = [rival if rank < 3 else 0.1] * 3
            parameters[f"digits realnvp{width} flow"] = [1000.0 / 2**rank] * 3
            parameters[f"digits pixelcnn{width} autoregressive"] = [1900.0 / 2**rank] * 3
        bits |= {"digits conv_vae vae": [rival] * 3, "digits vae vae": [0.1] * 3}
        parameters |= {"digits conv_vae vae": [900.0] * 3, "digits vae vae": [800.0] * 3}
        return table({f"realnvp{width}": kind for width in ("", "_half", "_quarter", "_eighth")},
                     bits_per_dim=bits, parameters=parameters)  # fmt: skip

    found = dict(records(widths(flow=2.0, rival=1.8)))["flow-parameters"]
    assert found["verdict"] == "supported"
    assert [one["name"].split(", ")[2] for one in found["contrasts"]] == [
        "realnvp - pixelcnn_half", "realnvp_half - pixelcnn_quarter", "realnvp_quarter - pixelcnn_eighth",
        "realnvp - conv_vae",
    ]  # fmt: skip
    assert verdict("flow-parameters", widths(flow=1.7, rival=1.8)) == "contradicted"
    assert verdict("flow-parameters", widths(flow=2.0, rival=1.8, kind="<= (IWAE-64)")) == "undecided"
    assert verdict("flow-parameters", widths(flow=1.7, rival=1.8, kind="<= (IWAE-64)")) == "contradicted"


def test_a_mender_is_compared_with_the_same_network_without_noise() -> None:
    def errors(plain: float) -> Results:
        return table(restoration={
            "digits plain_autoencoder autoencoder": [plain, 1.1 * plain, 0.9 * plain],
            "digits denoising_autoencoder autoencoder": [0.1, 0.11, 0.1],
        })  # fmt: skip

    assert verdict("denoising", errors(0.3)) == "supported"
    assert verdict("denoising", errors(0.05)) == "contradicted"


def test_without_results_every_claim_is_undecided_and_says_what_it_lacks() -> None:
    for claim, found in judged(table(nats={"toy toy flow": [1.0]})):
        assert found.verdict == "undecided", claim.id
        assert found.missing, claim.id
        assert found.reason == "not measured", claim.id


def test_the_files_hold_every_claim_once() -> None:
    found = judged(table(nats={"toy toy flow": [1.0]}))
    records = json.loads(as_json(found, ()))
    assert [record["id"] for record in records] == [claim.id for claim in CATALOGUE]
    assert len({claim.id for claim in CATALOGUE}) == len(CATALOGUE)
    assert all(record.keys() >= FIELDS for record in records)
    page = as_markdown(found, ())
    assert all(f"## {claim.id}: undecided, not measured" in page and claim.statement in page for claim in CATALOGUE)
