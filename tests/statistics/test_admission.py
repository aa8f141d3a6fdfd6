"""A metric is admitted on a task only where it tells the control models apart."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import pytest

from pipeline.statistics.admission import Admission, admissions, blind

Interval = tuple[float, float, float]
"""Value, and both ends of its sampling interval."""


def frame(
    metric: str, better: str, controls: Mapping[str, Interval], unit: str = "share", kind: str = "estimate"
) -> pd.DataFrame:
    rows = [
        ("task", name, "control", 0, metric, value, low, high, unit, better, kind)
        for name, (value, low, high) in controls.items()
    ]
    columns = [
        "task",
        "model",
        "family",
        "seed",
        "metric",
        "value",
        "sampling_low",
        "sampling_high",
        "unit",
        "better",
        "kind",
    ]
    return pd.DataFrame(rows, columns=columns)


def verdict(metric: str, better: str, **controls: Interval) -> Admission:
    return admissions(frame(metric, better, controls))["task", metric]


def test_a_metric_that_scores_noise_like_held_out_data_is_blind() -> None:
    found = verdict("recall", "higher", real=(0.976, 0.97, 0.98), noise=(0.975, 0.96, 0.98))
    assert not found.admitted
    assert found.reason == "noise scores 0.975, real 0.976"


def test_a_metric_that_prefers_noise_is_blind() -> None:
    assert not verdict("recall", "higher", real=(0.96, 0.95, 0.97), noise=(0.99, 0.98, 1.0)).admitted


def test_controls_far_apart_in_the_claimed_direction_admit() -> None:
    assert verdict(
        "recall", "higher", real=(0.9, 0.85, 0.95), noise=(0.01, 0.0, 0.03), collapsed=(0.1, 0.05, 0.15)
    ).admitted
    assert verdict("frechet", "lower", real=(1.0, 0.8, 1.2), noise=(29.0, 28.0, 30.0)).admitted


def test_noise_has_to_differ_by_a_factor_of_two_and_other_floors_by_their_intervals() -> None:
    real = (0.95, 0.93, 0.97)
    assert not verdict("precision", "higher", real=real, noise=(0.6, 0.55, 0.65)).admitted
    assert verdict("precision", "higher", real=real, noise=(0.1, 0.05, 0.15), marginal=(0.7, 0.65, 0.75)).admitted
    assert not verdict("frechet", "lower", real=(1.0, 0.8, 1.2), noise=(2.0, 1.5, 2.5)).admitted


def test_a_fidelity_metric_has_no_floor_of_one_mode() -> None:
    controls = {"real": (0.9, 0.85, 0.95), "noise": (0.0, 0.0, 0.01), "collapsed": (0.96, 0.93, 0.99)}
    assert verdict("precision", "higher", **controls).admitted
    assert not verdict("coverage", "higher", **controls).admitted


def test_a_fidelity_metric_has_to_score_one_mode_better_than_noise() -> None:
    """What scores every mode alone like noise does not look at single samples."""
    controls = {"real": (0.9, 0.85, 0.95), "noise": (0.1, 0.0, 0.2)}
    assert verdict("precision", "higher", **controls, collapsed=(0.96, 0.93, 0.99)).admitted
    found = verdict("precision", "higher", **controls, collapsed=(0.15, 0.1, 0.3))
    assert (found.admitted, found.reason) == (False, "noise scores 0.1, one mode 0.15")
    assert verdict("class_accuracy", "higher", **controls, collapsed=(0.1, 0.05, 0.2)).admitted


def test_a_metric_without_a_natural_zero_needs_disjoint_intervals_alone() -> None:
    assert verdict("nats", "higher", oracle=(4.3, 4.2, 4.4), noise=(-2.3, -2.4, -2.2)).admitted
    assert verdict("nats", "higher", oracle=(-0.3, -0.4, -0.2), noise=(-2.3, -2.4, -2.2)).admitted


def test_memorisation_has_to_tell_copies_from_held_out_data() -> None:
    assert verdict("authenticity", "none", real=(0.4, 0.35, 0.45), copycat=(0.0, 0.0, 0.0)).admitted
    assert not verdict("authenticity", "none", real=(0.1, 0.0, 0.2), copycat=(0.0, 0.0, 0.0)).admitted


def test_an_exact_oracle_is_the_ceiling_where_real_has_a_bound() -> None:
    bound = frame("kl_pq", "lower", {"real": (0.5, 0.4, 0.6)}, kind=">= (histogram)")
    exact = frame("kl_pq", "lower", {"oracle": (0.0, 0.0, 0.0), "noise": (0.7, 0.6, 0.8)}, kind="monte-carlo")
    assert admissions(pd.concat([bound, exact]))["task", "kl_pq"].admitted


def test_every_seed_of_a_control_counts() -> None:
    first = frame("recall", "higher", {"real": (0.9, 0.88, 0.92), "noise": (0.1, 0.08, 0.12)})
    second = frame("recall", "higher", {"real": (0.9, 0.88, 0.92), "noise": (0.89, 0.87, 0.91)}).assign(seed=1)
    assert admissions(first)["task", "recall"].admitted
    assert not admissions(pd.concat([first, second]))["task", "recall"].admitted


@pytest.mark.parametrize("controls", [{"real": (0.9, 0.8, 1.0)}, {"noise": (0.9, 0.8, 1.0)}, {}])
def test_a_metric_without_a_ceiling_or_a_floor_is_not_tested(controls: Mapping[str, Interval]) -> None:
    assert not admissions(frame("recall", "higher", controls))


def test_costs_are_not_tested() -> None:
    assert not admissions(frame("train_seconds", "lower", {"real": (1, 1, 1), "noise": (1, 1, 1)}, unit="s"))


def test_models_do_not_enter() -> None:
    controls = frame("recall", "higher", {"real": (0.9, 0.85, 0.95), "noise": (0.0, 0.0, 0.01)})
    models = frame("recall", "higher", {"noise": (1.0, 1.0, 1.0)}).assign(family="gan", model="gan")
    assert admissions(pd.concat([controls, models])) == admissions(controls)


def test_a_metric_of_a_blind_metric_is_blind() -> None:
    found = admissions(frame("recall", "higher", {"real": (0.9, 0.85, 0.95), "noise": (0.9, 0.85, 0.95)}))
    assert blind(found, "task").keys() == {"recall", "knob_area", "knob_best"}
    assert blind(found, "other") == {}
