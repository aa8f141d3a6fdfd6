"""Admission: whether a metric is informative on a task, decided by the control models alone.

A metric that scores uniform noise like held-out data says nothing of the models between them. So each metric of each
task is tested on the controls, before any model is looked at. With the ceiling, which is `real` (held-out data) or,
where `real` has a bound or no value, `oracle` (the true distribution), the metric is *admitted* if

    1. the interval of every floor lies on the worse side of the ceiling's interval, without overlap;
    2. of a metric with a natural zero, this still holds for `noise` when its interval is multiplied by 2 where higher
       is better, and divided by 2 where lower is better;
    3. of a metric of fidelity that looks at no condition, the first holds with `collapsed` as the ceiling as well:
       samples of one mode, well drawn, have to score better than noise.

It is *blind* otherwise: not ranked, not used by claims, and shown with the reason. The floors are `noise` (uniform),
`collapsed` (one mode) and `marginal` (independent pixels). A metric of fidelity has no floor `collapsed`, since samples
of one mode are faithful; that it must not score them like noise is its third condition. A metric of memorisation has
one floor, `copycat` (a copy of the training set), which has to score lower than `real`. The interval of a control is
the smallest that holds the 95 % sampling intervals of all its seeds, or their values where the metric has no sampling
interval. A metric without a ceiling or a floor on a task is not tested there, nor is what a model costs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from pipeline.metrics.registry import SECOND

CEILINGS = ("real", "oracle")
FLOORS = ("noise", "collapsed", "marginal")
FIDELITY = frozenset(
    {
        "precision", "density", "f_1_8", "high_quality", "conditional_precision", "p_precision", "alpha_precision",
        "class_accuracy", "box_iou", "segmentation_miou", "luma_error",
    }
)  # fmt: skip
"""Metrics of single samples: one mode, sampled well, scores well."""
UNCONDITIONED = frozenset({"precision", "density", "f_1_8", "high_quality"})
"""Metrics of fidelity that look at no condition, which samples of one mode ignore."""
MEMORISATION = frozenset({"authenticity", "memorisation_ct", "memorisation_ct_cells", "fld_gap"})
"""Metrics that copies of the training set have to lower."""
NO_ZERO = frozenset(
    {
        "nats", "nats_per_step", "elbo", "bits_per_dim", "kernel", "frechet_infinity", "memorisation_ct",
        "memorisation_ct_cells", "fld", "fld_gap",
    }
)  # fmt: skip
"""Metrics without a natural zero, of which ratios mean nothing."""
MARGIN = 2.0
"""The ratio that the intervals of `noise` and the ceiling have to differ by."""
COSTS = frozenset({"s", "parameters", "FLOPs", "operations"})
"""Units of what a model costs."""
COMPOSED: Mapping[str, tuple[str, ...]] = {"knob_area": ("precision", "recall"), "knob_best": ("precision", "recall")}
"""Metrics computed from others: admitted where all of those are."""


@dataclass(frozen=True)
class Admission:
    """The verdict on one metric of one task.

    Attributes:
        admitted: whether the metric distinguishes the controls.
        reason: the first comparison that fails, 'noise scores 0.860, real 0.908'; empty if admitted.
    """

    admitted: bool
    reason: str = ""


@dataclass(frozen=True)
class _Control:
    """What one control scores: `low` and `high` bound its interval."""

    name: str
    mean: float
    low: float
    high: float
    bound: bool

    def is_worse(self, ceiling: _Control, better: str, margin: float = 1.0) -> bool:
        """Whether its interval lies on the worse side of the ceiling's, also when scaled by `margin` towards it."""
        if better == "lower":
            return self.low > ceiling.high * margin
        return self.high * margin < ceiling.low


def admissions(frame: pd.DataFrame) -> dict[tuple[str, str], Admission]:
    """Test every metric of every task that the controls measure.

    Args:
        frame: the columns of results.csv; rows of other families than `control` are not read.

    Returns:
        (task, metric) -> the verdict; without the pairs that are not tested.
    """
    controls = frame[frame["family"] == "control"]
    found: dict[tuple[str, str], Admission] = {}
    for (task, metric), rows in controls.groupby(["task", "metric"], sort=False):
        verdict = _verdict(str(metric), rows)
        if verdict:
            found[str(task), str(metric)] = verdict
    for task in dict.fromkeys(frame["task"]):
        for metric, parts in COMPOSED.items():
            blind = [f"{part}: {v.reason}" for part in parts if (v := found.get((task, part))) and not v.admitted]
            if blind:
                found[task, metric] = Admission(False, blind[0])
    return found


def blind(admitted: Mapping[tuple[str, str], Admission], task: str) -> dict[str, str]:
    """The blind metrics of a task, each with the reason."""
    return {metric: one.reason for (of, metric), one in admitted.items() if of == task and not one.admitted}


def _verdict(metric: str, rows: pd.DataFrame) -> Admission | None:
    """By a second extractor, a metric is tested as by the first one."""
    metric = metric.removesuffix(SECOND)
    controls = {str(name): _control(str(name), seeds) for name, seeds in rows.groupby("model", sort=False)}
    better = rows["better"].iloc[0]
    ceiling = _ceiling(controls)
    floors = [controls[name] for name in _floors(metric, better) if name in controls]
    if ceiling is None or not floors or rows["unit"].iloc[0] in COSTS:
        return None
    failures = [*_failures(metric, floors, ceiling, better)]
    if metric in UNCONDITIONED and "collapsed" in controls:
        failures += _unfaithful(floors, controls["collapsed"], better)
    reason = next(iter(failures), "")
    return Admission(not reason, reason)


def _floors(metric: str, better: str) -> tuple[str, ...]:
    if metric in MEMORISATION:
        return ("copycat",)
    if better == "none":
        return ()
    return tuple(name for name in FLOORS if not (name == "collapsed" and metric in FIDELITY))


def _ceiling(controls: Mapping[str, _Control]) -> _Control | None:
    there = [controls[name] for name in CEILINGS if name in controls]
    return next((control for control in there if not control.bound), there[0] if there else None)


def _failures(metric: str, floors: list[_Control], ceiling: _Control, better: str) -> Iterator[str]:
    for floor in floors:
        scores = f"{floor.name} scores {floor.mean:.3g}, {ceiling.name} {ceiling.mean:.3g}"
        if not floor.is_worse(ceiling, better):
            yield scores
        elif floor.name == "noise" and metric not in NO_ZERO and not floor.is_worse(ceiling, better, MARGIN):
            yield f"{scores}, closer than a factor of {MARGIN:g}"


def _unfaithful(floors: list[_Control], one_mode: _Control, better: str) -> Iterator[str]:
    for floor in floors:
        if not floor.is_worse(one_mode, better):
            yield f"{floor.name} scores {floor.mean:.3g}, one mode {one_mode.mean:.3g}"


def _control(name: str, rows: pd.DataFrame) -> _Control:
    value = rows["value"].astype(float)
    low, high = rows["sampling_low"].fillna(value), rows["sampling_high"].fillna(value)
    bound = rows["kind"].astype(str).str.startswith((">=", "<=")).any()
    return _Control(name, float(value.mean()), float(low.min()), float(high.max()), bool(bound))
