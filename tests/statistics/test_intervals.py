"""Intervals cover what they say; few seeds are never bootstrapped."""

import math
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from pipeline.statistics.intervals import Interval, TEstimate, student_t, welch


@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_student_t_covers_the_mean_as_often_as_it_says(n: int) -> None:
    rng = np.random.default_rng(0)
    found = [student_t(x) for x in rng.normal(3.0, 2.0, size=(4000, n))]
    assert np.mean([i.low <= 3.0 <= i.high for i in found]) == pytest.approx(0.95, abs=0.012)


def test_on_the_log_scale_it_covers_the_geometric_mean() -> None:
    rng = np.random.default_rng(0)
    found = [student_t(x, level=0.8, log=True) for x in rng.lognormal(1.0, 1.5, size=(4000, 3))]
    assert np.mean([i.low <= math.e <= i.high for i in found]) == pytest.approx(0.8, abs=0.02)
    assert all(i.low > 0 for i in found)


def test_equals_scipy() -> None:
    x = [1.0, 2.0, 4.0, 8.0]
    low, high = stats.t.interval(0.95, 3, loc=np.mean(x), scale=stats.sem(x))
    assert student_t(x) == pytest.approx((3.75, low, high, 4))
    assert student_t(x, log=True).mean == pytest.approx(2 ** (6 / 4))


def test_welchs_interval_equals_scipys() -> None:
    a, b = [1.0, 2.0, 4.0], [3.0, 5.5, 4.0, 9.0]
    expected = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.9)
    assert welch(a, b, 0.9)[1:3] == pytest.approx(tuple(expected))
    assert welch(a, b).mean == pytest.approx(np.mean(a) - np.mean(b))
    assert welch([1.0, 1.0], [3.0, 3.0]) == Interval(-2.0, -2.0, -2.0, 2)


def test_welchs_interval_covers_a_difference_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    pairs = zip(rng.normal(3.0, 2.0, (4000, 5)), rng.normal(1.0, 0.5, (4000, 5)), strict=True)
    found = [welch(a, b) for a, b in pairs]
    assert np.mean([i.low <= 2.0 <= i.high for i in found]) == pytest.approx(0.95, abs=0.012)


def test_one_seed_has_no_interval() -> None:
    assert welch([2.0], [1.0, 3.0]) == Interval(0.0, None, None, 1)
    assert student_t([2.0]) == Interval(2.0, None, None, 1)
    assert student_t([2.0], log=True).mean == pytest.approx(2.0)


def test_equal_values_have_an_interval_of_width_zero() -> None:
    assert student_t([2.0, 2.0, 2.0]) == Interval(2.0, 2.0, 2.0, 3)


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [[1.0, 2.0]]])
def test_what_is_no_list_of_finite_values_is_an_error(values) -> None:
    with pytest.raises(ValueError, match="finite values"):
        student_t(values)


def test_the_log_scale_needs_positive_values() -> None:
    with pytest.raises(ValueError, match="positive"):
        student_t([1.0, -0.1], log=True)


def test_the_report_pays_for_neither_torch_nor_scipy_stats() -> None:
    code = "import sys, pipeline.statistics.intervals; print({'torch', 'scipy.stats'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_p_values_are_those_of_one_sided_t_tests() -> None:
    a, b = [0.3, 0.1, 0.4, 0.2], [0.0, 0.2, -0.1]
    two, one = TEstimate.between(a, b), TEstimate.of(a)
    assert two.p_above() == pytest.approx(stats.ttest_ind(a, b, equal_var=False, alternative="greater").pvalue)
    assert two.p_below() == pytest.approx(1 - two.p_above())
    assert one.p_below(1.0) == pytest.approx(stats.ttest_1samp(a, 1.0, alternative="less").pvalue)
    assert one.p_within(1.0) == max(one.p_above(-1.0), one.p_below(1.0))


def test_values_without_spread_and_single_values_have_no_test() -> None:
    assert TEstimate.of([2.0, 2.0]).p_above() == TEstimate.of([2.0, 2.0]).p_below() == 1
    with pytest.raises(ValueError, match="two values or more"):
        TEstimate.of([1.0])
