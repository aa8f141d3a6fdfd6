"""Comparing two result sets: antisymmetric, silent about noise, and never across protocols."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pipeline.errors import UserError
from pipeline.history.differences import Difference, Differences, differences, quality_numbers
from pipeline.history.result_set import Key, Numbers, ResultSet, from_csv
from pipeline.results.protocol import Protocol
from pipeline.statistics.intervals import Interval

OPPOSITE = {"improved": "worse", "worse": "improved", "within noise": "within noise", "unknown": "unknown"}


def numbers(*values: float, metric: str = "nats", half: float | None = None, split: str | None = "data") -> Numbers:
    """One value for each seed, and the half of a sampling interval."""
    better = "lower" if metric == "frechet" else "higher"
    known = Protocol(metric, "exact", "test n=64", split, 1)
    sampled = {k: Interval(v, v - half, v + half, 1) for k, v in enumerate(values)} if half is not None else {}
    return Numbers(better, known, dict(enumerate(values)), sampled)


def side(of: Mapping[str, Numbers], metric: str = "nats") -> ResultSet:
    return ResultSet("side", {Key("toy", model, metric): one for model, one in of.items()})


def compared(before: ResultSet, after: ResultSet) -> Differences:
    return differences(before, after, quality_numbers(before, after))


def only(before: Numbers, after: Numbers) -> Difference:
    metric = before.protocol.metric
    (one,) = compared(side({"vae": before}, metric), side({"vae": after}, metric)).compared
    return one


seeds = st.lists(st.floats(-9, 9, width=16), min_size=1, max_size=4)
tables = st.lists(st.tuples(seeds, seeds, st.none() | st.floats(0, 1)), min_size=1, max_size=4)


@given(tables, st.sampled_from(["nats", "frechet"]))
def test_with_the_sides_exchanged_every_verdict_is_the_opposite(
    rows: Sequence[tuple[list[float], list[float], float | None]], metric: str
) -> None:
    old = side({f"m{k}": numbers(*a, metric=metric, half=half) for k, (a, _, half) in enumerate(rows)}, metric)
    new = side({f"m{k}": numbers(*b, metric=metric, half=half) for k, (_, b, half) in enumerate(rows)}, metric)
    for there, back in zip(compared(old, new).compared, compared(new, old).compared, strict=True):
        assert back.change == pytest.approx(-there.change, abs=1e-12)
        assert back.verdict == OPPOSITE[there.verdict]
        assert (back.before, back.after) == pytest.approx((there.after, there.before))
        if there.low is not None and there.high is not None and back.low is not None and back.high is not None:
            assert (back.low, back.high) == pytest.approx((-there.high, -there.low), abs=1e-9)


@given(tables)
def test_nothing_differs_from_itself(rows: Sequence[tuple[list[float], list[float], float | None]]) -> None:
    one = side({f"m{k}": numbers(*a, half=half) for k, (a, _, half) in enumerate(rows)})
    assert all(each.verdict == "within noise" and not each.change for each in compared(one, one).compared)


def test_shared_seeds_are_paired() -> None:
    a, b = [1.0, 5.0, 9.0], [1.1, 5.2, 9.1]
    one = only(numbers(*a), numbers(*b))
    assert one.p == pytest.approx(stats.ttest_rel(b, a).pvalue)
    assert (one.basis, one.verdict) == ("seeds", "improved" if one.p < 0.05 else "within noise")


def test_distances_are_compared_as_ratios() -> None:
    one = only(numbers(1.0, 1.01, 1.02, metric="frechet"), numbers(2.0, 2.02, 2.05, metric="frechet"))
    assert one.log
    assert math.exp(one.change) == pytest.approx(2, rel=0.01)
    assert one.verdict == "worse"


def test_one_seed_falls_back_on_the_sampling_interval() -> None:
    assert only(numbers(1.0, half=0.1), numbers(1.13, half=0.1)).verdict == "within noise"
    far = only(numbers(1.0, half=0.1), numbers(1.5, half=0.1))
    assert (far.basis, far.verdict) == ("sampling", "improved")
    assert (far.low, far.high) == pytest.approx((0.5 - 0.1 * math.sqrt(2), 0.5 + 0.1 * math.sqrt(2)))


def test_without_any_noise_known_nothing_is_said() -> None:
    assert only(numbers(1.0), numbers(2.0)).verdict == "unknown"


def test_noise_alone_is_rarely_called_a_change() -> None:
    """Of 40 tables of 20 equal models one in twenty may show a difference: Holm's promise, which pairs alone break."""
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(40):
        old, new = (side({f"m{k}": numbers(*rng.normal(size=3)) for k in range(20)}) for _ in range(2))
        wrong += any(one.verdict != "within noise" for one in compared(old, new).compared)
    assert wrong <= 6


def test_numbers_of_other_protocols_are_named_and_not_compared() -> None:
    found = compared(side({"vae": numbers(1.0)}), side({"vae": numbers(9.0, split="other")}))
    assert found.compared == ()
    assert [(key.model, fields) for key, fields in found.refused] == [("vae", ("split",))]


def test_a_revision_that_knew_no_split_is_compared_by_the_words_it_has() -> None:
    assert only(numbers(1.0, 1.1, split=None), numbers(1.0, 1.1)).verdict == "within noise"


def test_what_one_side_alone_has_is_listed() -> None:
    found = compared(side({"a": numbers(1.0), "b": numbers(1.0)}), side({"b": numbers(1.0), "c": numbers(1.0)}))
    assert [key.model for key in found.gone] == ["a"]
    assert [key.model for key in found.new] == ["c"]


def test_a_damaged_table_is_named() -> None:
    with pytest.raises(UserError, match=r"results\.csv of main is damaged"):
        from_csv("main", "a,b\n1,2\n", "")
    header = "task,model,seed,metric,value,better,kind,protocol"
    with pytest.raises(UserError, match=r"results\.csv of main is damaged"):
        from_csv("main", f"{header}\ntoy,vae,0,nats,many,higher,exact,test\n", "")
