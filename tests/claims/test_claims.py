"""Promises of the verdicts: the known answer on made-up tables, the null included."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from pipeline.claims.catalogue import CATALOGUE
from pipeline.claims.contrast import Contrast, difference, log_ratio, unmeasured
from pipeline.claims.coverage import KNOBS, WIDE
from pipeline.claims.page import as_json, as_markdown, judged
from pipeline.claims.results import Results
from pipeline.claims.rule import ALPHA, ONE_SEED, judge

FIELDS = {"id", "statement", "metric", "groups", "test", "effect", "interval", "verdict", "missing", "figure"}


def contrast(*values: float) -> Contrast:
    return Contrast("made up", dict(enumerate(values)))


def table(**metrics: dict[str, list[float]]) -> Results:
    """metric -> 'task model family' -> a value for each seed."""
    rows = [
        (*cell.split(), seed, metric, value)
        for metric, cells in metrics.items()
        for cell, values in cells.items()
        for seed, value in enumerate(values)
    ]
    return Results(pd.DataFrame(rows, columns=["task", "model", "family", "seed", "metric", "value"]))


def verdict(claim: str, results: Results) -> str:
    return next(found.verdict for one, found in judged(results) if one.id == claim)


def test_supported_needs_every_contrast_above_zero() -> None:
    assert judge([contrast(1.0, 1.1, 0.9)]).verdict == "supported"
    assert judge([contrast(1.0, 1.1, 0.9), contrast(0.1, -0.1, 0.05)]).verdict == "undecided"


def test_one_contrast_below_zero_contradicts_at_bonferronis_level() -> None:
    assert judge([contrast(-1.0, -1.1, -0.9)]).verdict == "contradicted"
    barely = contrast(-1.0, -0.2, -0.8)
    low, high = (float(end) for end in (judge([barely]).weakest.interval or ())[1:3])
    assert low < 0 < high
    assert judge([barely, contrast(1.0, 1.1, 0.9)]).verdict == "undecided"


def test_one_seed_and_what_is_not_measured_decide_nothing() -> None:
    assert judge([contrast(5.0)]).missing == (f"made up: {ONE_SEED}",)
    assert judge([contrast(5.0)]).verdict == judge([unmeasured("a sweep")]).verdict == "undecided"
    assert judge([contrast(1.0, 1.1), unmeasured("a sweep")]).missing == ("a sweep",)


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


def uneven() -> Results:
    """Seed 2 of the VAE, one of two likelihood models, is not measured."""
    cells = {"flow flow": [25.0, 25.0, 24.0], "vae vae": [25.0, 24.0], "gan gan": [12.0, 14.0, 13.0]}
    return table(modes_hit={f"{task} {name}": values for task in ("ring", "grid") for name, values in cells.items()})


def test_a_seed_that_a_cell_lacks_is_left_out_by_name() -> None:
    (found,) = (found for claim, found in judged(uneven()) if claim.id == "likelihood-covers")
    ring = found.findings[0].contrast
    assert ring.seeds.keys() == {0, 1}
    assert ring.left_out == ("seed 2 left out, without modes_hit of ring-vae",)
    assert found.verdict == judge([contrast(*ring.seeds.values()), contrast(*ring.seeds.values())]).verdict
    records = {record["id"]: record for record in json.loads(as_json(judged(uneven()), ()))}
    assert records["likelihood-covers"]["contrasts"][0]["left_out"] == list(ring.left_out)
    assert f"- {ring.name}: {ring.left_out[0]}\n" in as_markdown(judged(uneven()), ())


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
    def modes(gan: list[float]) -> Results:
        cells = {f"{task} {name}": values for task in ("ring", "grid") for name, values in {
            "flow flow": [25.0, 25.0, 24.0], "vae vae": [25.0, 24.0, 25.0], "gan gan": gan}.items()}  # fmt: skip
        return table(modes_hit=cells)

    assert verdict("likelihood-covers", modes([12.0, 14.0, 13.0])) == "supported"
    assert verdict("likelihood-covers", modes([27.0, 27.2, 26.9])) == "contradicted"
    assert verdict("likelihood-covers", modes([12.0, 30.0, 24.0])) == "undecided"


def test_the_best_of_the_others_is_compared_not_their_mean() -> None:
    def bits(flow: list[float]) -> Results:
        return table(bits_per_dim={
            "shapes_none pixelcnn autoregressive": [3.0, 3.1, 2.9], "shapes_none glow flow": flow,
            "shapes_none vae vae": [9.0, 9.1, 9.0],
        })  # fmt: skip

    assert verdict("autoregressive-likelihood", bits([3.5, 3.6, 3.45])) == "supported"
    assert verdict("autoregressive-likelihood", bits([2.0, 2.1, 1.95])) == "contradicted"


def orders(frechet: Callable[[int, int], float]) -> Results:
    """Six models in the order of their number by likelihood; by Fréchet distance as (model, seed) says."""
    cells = [(task, i) for task in ("ring", "ring_wide", "grid", "grid_wide") for i in range(6)]
    return table(
        nats={f"{task} m{i} flow": [float(i)] * 5 for task, i in cells},
        frechet={f"{task} m{i} flow": [frechet(i, seed) for seed in range(5)] for task, i in cells},
    )


def test_two_orders_are_told_from_one_that_is_noisy() -> None:
    rng = np.random.default_rng(0)
    for noise in (0.1, 1.0, 5.0):
        assert (
            verdict("two-orders", orders(lambda i, _, noise=noise: 9 - i + noise * rng.standard_normal()))
            != "supported"
        )
    other = [3, 0, 5, 1, 4, 2]
    assert verdict("two-orders", orders(lambda i, seed: 9 + other[i] + 0.5 * rng.standard_normal())) == "supported"


def turns(down: tuple[float, float]) -> pd.DataFrame:
    """Every knob that is compared: (.6, .8) at 1, and `down` = (precision, recall) where it is turned down."""
    rows = [
        (task, model, seed, at, *(value + 1e-3 * seed * (at != 1) for value in ends))
        for _, task, models, low in KNOBS
        for model in models
        for seed in range(3)
        for at, ends in ((1.0, (0.6, 0.8)), (low, down))
    ]
    return pd.DataFrame(rows, columns=["task", "model", "seed", "setting", "precision", "recall"])


@pytest.mark.parametrize(
    ("down", "word"), [((0.8, 0.5), "supported"), ((0.8, 0.9), "contradicted"), ((0.599, 0.5), "undecided")]
)
def test_a_knob_has_to_buy_precision_and_to_pay_in_recall(down: tuple[float, float], word: str) -> None:
    empty = pd.DataFrame(columns=["task", "model", "family", "seed", "metric", "value"])
    assert verdict("knob", Results(empty, turns(down))) == word


def narrow(likelihood: tuple[float, float], gan: tuple[float, float]) -> Results:
    """What an eighth of the width leaves of precision .9 and recall .9, by side."""
    cells: dict[str, dict[str, list[float]]] = {"precision": {}, "recall": {}}
    for task, sides in WIDE.items():
        for side, models in sides.items():
            left = gan if side == "gan" else likelihood
            for model in models:
                for metric, value, step in zip(("precision", "recall"), left, (0.01, 0.005), strict=True):
                    cells[metric] |= {
                        f"{task} {model} any": [0.9, 0.9, 0.9],
                        f"{task} {model}_eighth any": [value, value + step, value - step],
                    }
    return table(**cells)


def test_capacity_is_lost_where_the_textbook_says_or_is_not() -> None:
    assert verdict("capacity", narrow((0.3, 0.8), (0.8, 0.3))) == "supported"
    assert verdict("capacity", narrow((0.8, 0.3), (0.8, 0.3))) == "contradicted"
    assert verdict("capacity", narrow((0.3, 0.8), (0.55, 0.55))) == "undecided"


def test_a_flow_is_weighed_against_rivals_that_are_no_larger() -> None:
    """At each width a smaller PixelCNN is better; a larger one, however good, is not asked."""

    def widths(flow: float, small: float) -> Results:
        bits, parameters = {}, {}
        for rank, width in enumerate(("", "_half", "_quarter", "_eighth")):
            noise = [0.0, 0.01, -0.01]
            bits[f"digits realnvp{width} flow"] = [flow + n for n in noise]
            bits[f"digits pixelcnn{width} autoregressive"] = [small, small, small]
            bits[f"digits vae{width} vae"] = [0.1, 0.1, 0.1]
            parameters[f"digits realnvp{width} flow"] = [1000.0 / 2**rank] * 3
            parameters[f"digits pixelcnn{width} autoregressive"] = [900.0 / 2**rank] * 3
            parameters[f"digits vae{width} vae"] = [1e6] * 3
        return table(bits_per_dim=bits, parameters=parameters)

    assert verdict("flow-parameters", widths(flow=2.0, small=1.8)) == "supported"
    assert verdict("flow-parameters", widths(flow=1.7, small=1.8)) == "contradicted"


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


def test_the_files_hold_every_claim_once() -> None:
    found = judged(table(nats={"toy toy flow": [1.0]}))
    records = json.loads(as_json(found, ()))
    assert [record["id"] for record in records] == [claim.id for claim in CATALOGUE]
    assert len({claim.id for claim in CATALOGUE}) == len(CATALOGUE)
    assert all(record.keys() >= FIELDS for record in records)
    page = as_markdown(found, ())
    assert all(f"## {claim.id}: undecided" in page and claim.statement in page for claim in CATALOGUE)
