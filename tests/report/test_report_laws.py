"""Laws of ranks, of written numbers and of pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pipeline.report.samples import SIDE, mosaic

from pipeline.results.column import column, flatters, ordered
from pipeline.results.table import compact
from pipeline.statistics.ranks import Rank, ranks

intervals = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=2),
    st.tuples(st.floats(-9, 9), st.floats(-9, 9)).map(lambda ends: (min(ends), max(ends))),
    min_size=2,
)


@given(intervals)
def test_the_place_by_the_mean_lies_in_the_range(spans: dict[str, tuple[float, float]]) -> None:
    found = ranks(spans, "lower")
    means = {name: (low + high) / 2 for name, (low, high) in spans.items()}
    for name, rank in found.items():
        better = sum(mean < means[name] for mean in means.values())
        tied = sum(mean == means[name] for mean in means.values())
        assert rank.best <= better + tied
        assert rank.worst >= better + 1


@given(intervals)
def test_reversing_the_direction_reverses_the_places(spans: dict[str, tuple[float, float]]) -> None:
    n = len(spans)
    lower, higher = ranks(spans, "lower"), ranks(spans, "higher")
    assert {name: Rank(n + 1 - rank.worst, n + 1 - rank.best) for name, rank in lower.items()} == higher


def test_without_a_direction_or_a_rival_there_is_no_rank() -> None:
    assert ranks({"a": (0, 1), "b": (2, 3)}, "none") == {}
    assert ranks({"a": (0, 1)}, "higher") == {}


@given(st.floats(-1e9, 1e9))
def test_a_written_number_is_a_fixed_point(value: float) -> None:
    text = compact(value)
    assert compact(float(text)) == text
    assert float(text) == pytest.approx(value, rel=1e-5, abs=1e-300)


def test_numbers_are_written_as_their_metric_asks() -> None:
    assert column("nats").spread(-0.315, -0.335, -0.295) == "-0.315 ± 0.020"
    assert column("frechet").spread(0.0123, 0.00812, 0.0182, log=True) == "0.0123 [0.00812, 0.0182]"
    assert column("parameters").spread(12345, 12345, 12345) == "12,345"
    assert column("train_seconds").spread(154.2, None, None) == "154"
    assert column("frechet").text(0.0) == "0.00"


def test_an_unknown_metric_gets_a_plain_column_after_the_known() -> None:
    assert ordered(["zeal", "recall", "nats"]) == ["nats", "recall", "zeal"]
    assert column("long_zeal").title == "long zeal"


def test_a_reference_follows_its_metric_and_is_written_like_it() -> None:
    names = ["frechet", "box_iou_floor", "box_iou", "box_iou_ceiling", "nats"]
    assert ordered(names) == ["nats", "frechet", "box_iou", "box_iou_ceiling", "box_iou_floor"]
    assert column("box_iou_floor") == column("box_iou")._replace(table="reference")
    assert column("how_real").table == "quality"  # no metric that is known


def test_a_bound_flatters_when_the_truth_can_only_be_worse() -> None:
    assert flatters(">= (histogram)", "lower")
    assert not flatters("<= (ELBO)", "lower")
    assert not flatters(">= (ELBO)", "higher")
    assert not flatters("exact", "higher")


@pytest.mark.parametrize("channels", [1, 3])
def test_a_mosaic_holds_each_image_unchanged(channels: int) -> None:
    x = np.random.default_rng(0).integers(0, 17, (SIDE * SIDE, channels, 5, 4), dtype=np.uint8)
    picture = mosaic(x, levels=17)
    assert picture.shape == (SIDE * 6 + 1, SIDE * 5 + 1, 3)
    for i, image in enumerate(x):
        top, left = (i // SIDE) * 6 + 1, (i % SIDE) * 5 + 1
        patch = picture[top : top + 5, left : left + 4]
        np.testing.assert_array_equal(patch, np.broadcast_to(image.transpose(1, 2, 0) / 16, (5, 4, 3)))
