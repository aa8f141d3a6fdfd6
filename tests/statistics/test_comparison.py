"""Laws of comparing all pairs at once: levels and coverage by simulation, letters, chances, seeds that are needed."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pipeline.statistics.comparison import LEVEL, POWER, compare, holm, letters

NAMES = tuple("abcdef")
pairs = st.sets(st.sampled_from([frozenset(pair) for pair in combinations(NAMES, 2)]))


def models(rows: np.ndarray) -> dict[str, dict[int, float]]:
    return {name: dict(enumerate(map(float, row))) for name, row in zip(NAMES, rows, strict=False)}


def test_holm_is_the_published_correction() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_a_corrected_p_is_no_smaller_and_keeps_the_order(p: list[float]) -> None:
    found = holm(p)
    assert all(corrected >= one for one, corrected in zip(p, found, strict=True))
    assert [found[i] for i in np.argsort(p)] == sorted(found)


@given(pairs)
def test_two_share_a_letter_exactly_if_they_are_not_told_apart(apart: set[frozenset[str]]) -> None:
    found = letters(NAMES, apart)
    for a, b in combinations(NAMES, 2):
        assert bool(set(found[a]) & set(found[b])) == (frozenset((a, b)) not in apart)


def test_the_best_has_the_first_letter() -> None:
    assert letters(("x", "y", "z"), {frozenset("xz"), frozenset("yz")}) == {"x": "a", "y": "a", "z": "b"}


def test_equal_models_are_told_apart_in_one_table_of_twenty() -> None:
    rng = np.random.default_rng(0)
    tables = [compare(models(rng.normal(size=(4, 3))), "higher") for _ in range(400)]
    share = sum(any(pair.apart for pair in table.pairs) for table in tables) / 400
    assert share <= LEVEL + 3 * math.sqrt(LEVEL * (1 - LEVEL) / 400)


@pytest.mark.parametrize("shared", [True, False])
def test_the_interval_of_a_difference_covers_it(shared: bool) -> None:
    """Welch's test with three or four seeds covers at least nearly what it says."""
    rng, inside = np.random.default_rng(1), 0
    for _ in range(1000):
        a, b = rng.normal(2.0, 1.0, 3), rng.normal(0.0, 1.0, 3 if shared else 4)
        seeds = {"a": dict(enumerate(a)), "b": dict(enumerate(b, 0 if shared else 100))}
        (pair,) = compare(seeds, "higher").pairs
        inside += pair.low <= 2.0 <= pair.high
    assert inside / 1000 == pytest.approx(0.95, abs=3 * math.sqrt(0.95 * 0.05 / 1000) + 0.02)


@pytest.mark.parametrize("first", [0, 10])
def test_two_models_are_compared_by_welchs_test_whether_or_not_they_share_seeds(first: int) -> None:
    a, b = [1.0, 2.0, 4.0], [3.0, 5.5, 4.0, 9.0]
    (pair,) = compare({"a": dict(enumerate(a)), "b": dict(enumerate(b, first))}, "lower").pairs
    assert pair.p == pytest.approx(stats.ttest_ind(a, b, equal_var=False).pvalue)


def test_two_widths_of_one_model_are_paired() -> None:
    a, b = [1.0, 2.0, 4.0], [3.0, 5.5, 4.0]
    (pair,) = compare({"glow": dict(enumerate(a)), "glow_half": dict(enumerate(b))}, "lower", lambda *_: True).pairs
    assert pair.p == pytest.approx(stats.ttest_rel(a, b).pvalue)


def test_a_model_needs_fewer_seeds_than_if_they_were_paired() -> None:
    """Independent models of equal spread: twice the degrees of freedom for the same variance of a difference."""
    a, b = {0: 0.0, 1: 1.0, 2: 2.0}, {0: 1.5, 1: 2.5, 2: 0.5}
    (pair,) = compare({"a": a, "b": {s: v + 2 for s, v in b.items()}}, "higher").pairs
    spread, n = math.sqrt(2), 2
    while (stats.t.ppf(0.975, n - 1) + stats.t.ppf(POWER, n - 1)) * spread / math.sqrt(n) > abs(pair.difference):
        n += 1
    assert pair.needed is not None
    assert pair.needed < n


def test_the_seeds_needed_would_do() -> None:
    rng = np.random.default_rng(2)
    d = np.array([0.2, 1.0, 1.8])
    (pair,) = compare({"a": dict(enumerate(d)), "b": dict(enumerate(d - d.mean()))}, "higher").pairs
    assert pair.needed is not None
    a, b = (rng.normal(mean, d.std(ddof=1), (4000, pair.needed)) for mean in (d.mean(), 0.0))
    power = (stats.ttest_ind(a, b, axis=1, equal_var=False).pvalue < LEVEL).mean()
    assert POWER - 0.05 < power < POWER + 0.15


def test_the_chances_to_be_best_are_a_distribution_that_knows_the_direction() -> None:
    seeds = models(np.array([[1.0, 1.1, 0.9], [5.0, 5.2, 4.9], [1.0, 1.2, 1.0]]))
    for better, winner in (("higher", "b"), ("lower", "a")):
        best = compare(seeds, better).best
        assert sum(best.values()) == pytest.approx(1)
        assert max(best, key=lambda model: best[model]) == winner
    assert compare(seeds, "higher").best["b"] > 0.98


def test_one_seed_or_no_direction_compares_nothing() -> None:
    assert compare({"a": {0: 1.0}, "b": {0: 2.0, 1: 2.1}}, "higher").pairs == ()
    assert compare(models(np.ones((3, 3))), "none").pairs == ()


def test_models_that_never_differ_are_alike() -> None:
    (pair,) = compare(models(np.ones((2, 3))), "higher").pairs
    assert (pair.p, pair.needed, pair.apart) == (1.0, None, False)
