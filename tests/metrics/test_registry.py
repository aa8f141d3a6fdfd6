"""The registry finds each metric in its file, shows it without torch, and names the likely mistake behind a value."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from collections import Counter

import pytest

import pipeline.metrics
from pipeline.metrics import registry
from pipeline.metrics.registry import Metric


def metric_of(name: str, unit: str) -> Metric:
    return next(one for one in registry.metrics() if one.name.format(draws=64) == name and one.unit == unit)


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
    assert words in metric_of(metric, unit).mistake(value)


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
        ("density", "dimensionless", 1.3),
    ],
)
def test_possible_values_pass(metric: str, unit: str, value: float) -> None:
    assert metric_of(metric, unit).mistake(value) == ""


def test_every_metric_has_a_range() -> None:
    for metric in registry.metrics():
        low, high = metric.range
        assert low < high


def test_each_module_of_the_folder_declares_metrics() -> None:
    names = {one.name for one in pkgutil.iter_modules(pipeline.metrics.__path__) if not one.ispkg} - {"registry"}
    assert {module.rpartition(".")[2] for module in registry.declared()} == names
    assert all(registry.declared().values())


def test_columns_are_read_without_torch() -> None:
    code = "import sys; from pipeline.metrics import registry; registry.quantities(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_two_metrics_share_a_column_but_variants_of_one_name() -> None:
    columns = {(one.name, one.title, one.order, one.table, one.digits) for one in registry.quantities()}
    assert max(Counter(name for name, *_ in columns).values()) == 1
    shown = Counter(order for _, _, order, table, _ in columns if table != "reference")
    assert max(shown.values()) == 1


def test_a_name_with_draws_has_them_in_its_title() -> None:
    found = registry.find("iwae_8")
    assert found is not None
    assert found.title == "IWAE-8"
    assert registry.find("iwae_many") is None


def test_metrics_are_ordered_by_column_each_before_its_references_then_unknown_ones_by_name() -> None:
    names = ["zeta", "recall", "box_iou_floor", "alpha", "box_iou", "nats", "iwae_16"]
    assert registry.ordered(names) == ["nats", "recall", "box_iou", "box_iou_floor", "iwae_16", "alpha", "zeta"]


def test_a_reference_is_read_by_its_metric() -> None:
    assert registry.base("box_iou_ceiling") == "box_iou"
    assert registry.base("conditional_diversity_real") == "conditional_diversity"
    assert registry.base("my_floor") == "my_floor"
