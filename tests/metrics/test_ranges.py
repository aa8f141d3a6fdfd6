"""A number outside its metric's range is named with the likely mistake; every number that can be is accepted."""

from __future__ import annotations

import pytest

from pipeline.metrics import ranges
from pipeline.metrics.registry import metrics


@pytest.mark.parametrize(
    ("metric", "unit", "value", "words"),
    [
        ("precision", "share", 79.6, "79.6 % is 0.796"),
        ("precision", "share", -0.1, "between 0 and 1"),
        ("bits_per_dim", "bits/dim", -1.8, "the sign, or a density"),
        ("iwae_64", "bits/dim", -1.8, "the sign, or a density"),
        ("frechet", "squared distance", -3.0, "at least 0"),
        ("luma_error", "levels of 255", 300.0, "between 0 and 255"),
    ],
)
def test_impossible_values_name_the_likely_mistake(metric: str, unit: str, value: float, words: str) -> None:
    assert words in ranges.mistake(metric, unit, value)


@pytest.mark.parametrize(
    ("metric", "unit", "value"),
    [
        ("precision", "share", 0.0),
        ("precision", "share", 1.0),
        ("nats", "nats", -5.0),
        ("kl_pq", "nats", -0.01),
        ("kernel", "squared distance", -0.01),
        ("frechet_infinity", "squared distance", -0.3),
        ("memorisation_ct", "z-score", -19.0),
        ("density", "ratio", 1.3),
    ],
)
def test_possible_values_pass(metric: str, unit: str, value: float) -> None:
    assert ranges.mistake(metric, unit, value) == ""


def test_every_metric_of_the_table_has_a_range() -> None:
    for metric in metrics():
        low, high = ranges.of(metric.name, metric.unit)
        assert low < high
