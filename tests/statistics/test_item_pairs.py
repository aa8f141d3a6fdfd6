"""Laws of item-paired intervals: coverage by simulation, what pairing saves, clusters, and the two limits of `both`."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from pipeline.metrics.evaluation import bootstrap
from pipeline.statistics.comparison import Pair, compare
from pipeline.statistics.item_pairs import inflation, paired_intervals

TRIALS = 400


def simulated(rng: np.random.Generator, seeds: int, n: int) -> tuple[Pair, dict[str, np.ndarray]]:
    """Two models whose true difference is 1: items are hard for both, seeds move all items of one model."""
    hard = rng.normal(0.0, 1.0, n)

    def scores(level: float) -> np.ndarray:
        trained, own, both = (
            rng.normal(0.0, 0.02, (seeds, 1)),
            rng.normal(0.0, 0.2, n),
            rng.normal(0.0, 0.1, (seeds, n)),
        )
        return level + hard + trained + own + both

    rows = {"a": scores(1.0), "b": scores(0.0)}
    (pair,) = compare({name: dict(enumerate(of.mean(axis=1))) for name, of in rows.items()}, "higher").pairs
    return pair, {name: of.mean(axis=0) for name, of in rows.items()}


def test_both_covers_what_new_seeds_and_new_items_would_give() -> None:
    """The interval over seeds alone does not, since all seeds share the test items."""
    rng, both, seeds = np.random.default_rng(0), 0, 0
    for _ in range(TRIALS):
        pair, scores = simulated(rng, 3, 200)
        found = paired_intervals(pair, scores).both
        both += found.low <= 1.0 <= found.high
        seeds += pair.low <= 1.0 <= pair.high
    noise = 3 * math.sqrt(0.95 * 0.05 / TRIALS)
    assert both / TRIALS >= 0.95 - noise
    assert seeds < both


def test_items_cover_what_a_new_test_split_would_give_for_these_trained_models() -> None:
    rng, inside = np.random.default_rng(1), 0
    for _ in range(TRIALS):
        pair, _ = simulated(rng, 2, 10)
        hard, own = rng.normal(0.0, 1.0, 200), rng.normal(0.0, 0.2, (2, 200))
        items = paired_intervals(pair, {"a": hard + own[0] + 0.3, "b": hard + own[1]}).items
        inside += items.low <= 0.3 <= items.high
    assert inside / TRIALS == pytest.approx(0.95, abs=3 * math.sqrt(0.95 * 0.05 / TRIALS) + 0.01)


def test_a_difference_of_items_is_narrower_than_either_score_where_items_are_hard_for_both() -> None:
    pair, scores = simulated(np.random.default_rng(2), 3, 500)
    items = paired_intervals(pair, scores).items
    assert items.high - items.low < 0.5 * 2 * 1.96 * scores["a"].std() / math.sqrt(500)


def test_without_spread_over_items_the_interval_is_that_over_seeds() -> None:
    (pair,) = compare({"a": {0: 1.0, 1: 2.0, 2: 4.0}, "b": {0: 0.0, 1: 0.5, 2: 3.0}}, "higher").pairs
    flat = {"a": np.full(50, 7 / 3), "b": np.full(50, 3.5 / 3)}
    items, both = paired_intervals(pair, flat)
    assert (both.low, both.high) == pytest.approx((pair.low, pair.high))
    assert items.low == pytest.approx(items.high) == pytest.approx(pair.difference)


def test_without_spread_over_seeds_the_interval_is_that_over_items() -> None:
    (pair,) = compare({"a": {0: 1.0, 1: 1.0}, "b": {0: 0.0, 1: 0.0}}, "higher").pairs
    rng = np.random.default_rng(3)
    items, both = paired_intervals(pair, {"a": 1.0 + rng.normal(size=2000), "b": np.zeros(2000)})
    assert (both.low, both.high) == pytest.approx((items.low, items.high), abs=0.005)


def test_shared_sources_widen_both_intervals_by_the_rule_of_the_sampling_intervals() -> None:
    rng = np.random.default_rng(4)
    sources = rng.integers(0, 40, (300, 3))
    effect = rng.normal(size=40)
    d = effect[sources].sum(axis=1) + rng.normal(size=300)
    theirs = bootstrap.inflation(torch.from_numpy(d)[:, None], torch.from_numpy(sources))
    assert float(theirs) > 2
    assert inflation(d, sources) == pytest.approx(float(theirs))
    pair, _ = simulated(rng, 2, 10)
    one, shared = (paired_intervals(pair, {"a": d, "b": np.zeros(300)}, of) for of in (None, sources))
    widths = [found.items.high - found.items.low for found in (one, shared)]
    assert widths[1] == pytest.approx(widths[0] * math.sqrt(float(theirs)))
    assert shared.both.low < one.both.low < one.both.high < shared.both.high


def test_scores_of_other_items_are_refused() -> None:
    pair, _ = simulated(np.random.default_rng(5), 2, 10)
    with pytest.raises(ValueError, match="scores of a and b must be of the same items"):
        paired_intervals(pair, {"a": np.zeros(4), "b": np.zeros(5)})
