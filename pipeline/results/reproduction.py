"""Published numbers beside ours: the difference, its interval and a verdict.

    difference = ours - published

has the 95 % t interval over training seeds, or of one seed the sampling interval. What a paper states has no interval
here: few papers say how their number varies. With the tolerance t of published.yaml, fixed before anything was
measured, the verdict is

    reproduced        the interval of the difference lies in [-t, t]
    better            it lies beyond t on the better side
    not reproduced    it lies beyond t on the worse side
    undecided         all else
    not compared      no cell here has the paper's data protocol or its model
    not measured      the cell has not run

A number without an interval is judged by its value. Bounds are judged at their value: of a model whose likelihood is a
bound, the paper's number is one too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from pipeline.params import Params
from pipeline.paths import Cell
from pipeline.results import convergence, extrapolation
from pipeline.results.published import PublishedNumber
from pipeline.statistics.intervals import Interval, student_t

Verdict = Literal["reproduced", "better", "not reproduced", "undecided", "not compared", "not measured"]


@dataclass(frozen=True)
class Reproduction:
    """A published number beside ours.

    Attributes:
        number: the published one.
        ours: the mean over seeds in the published unit; None where nothing is measured.
        kind: of ours, such as 'exact' or '<= (IWAE-64)'.
        difference: ours less the published number; its interval is over seeds where `n` is 2 or more, else of sampling.
        verdict: of the module's rule.
        trained: training items that ours took, as a share of the paper's; None where the paper does not say.
        converged: False where a seed had not converged (`pipeline.results.convergence`), None where undecided.
        curve: what the validation curve of the first seed says of a longer training, in nats; None where nothing.
    """

    number: PublishedNumber
    ours: float | None = None
    kind: str = ""
    difference: Interval | None = None
    verdict: Verdict = "not measured"
    trained: float | None = None
    converged: bool | None = None
    curve: extrapolation.Extrapolation | None = None

    @property
    def reasons(self) -> list[str]:
        """What may explain a difference: the length of training, convergence, and what differs."""
        share = [] if self.trained is None else [f"{_percent(self.trained)} of the published training"]
        rising = ["not converged"] if self.converged is False else []
        return [*share, *rising, *self.number.differs]


def reproductions(numbers: Iterable[PublishedNumber], results: pd.DataFrame, settings: Params) -> list[Reproduction]:
    """Each published number beside ours.

    Args:
        numbers: of published.yaml.
        results: the columns of results.csv.
        settings: of params.yaml, which says how long each model trains.
    """
    return [_reproduction(one, results, settings) for one in numbers]


def judge(difference: Interval, tolerance: float, better: str) -> Verdict:
    """The verdict of a difference, by the module's rule."""
    low, high = (difference.mean if end is None else end for end in difference[1:3])
    if better == "higher":
        low, high = -high, -low
    if -tolerance <= low and high <= tolerance:
        return "reproduced"
    if high < -tolerance:
        return "better"
    return "not reproduced" if low > tolerance else "undecided"


def _reproduction(number: PublishedNumber, results: pd.DataFrame, settings: Params) -> Reproduction:
    if number.task is None or number.model is None:
        return Reproduction(number, verdict="not compared")
    trained = _trained(number, settings)
    cell = results[(results["task"] == number.task) & (results["model"] == number.model)]
    rows = cell[cell["metric"] == number.metric]
    if rows.empty:
        return Reproduction(number, trained=trained)
    scale = number.values * math.log(2) if number.values else 1.0
    values = [scale * float(value) for value in rows["value"]]
    over_seeds = student_t(values)
    low, high = _ends(over_seeds, rows, scale, number.value)
    difference = Interval(over_seeds.mean - number.value, low, high, over_seeds.n)
    rise = cell[cell["metric"] == convergence.RISE]["value"]
    return Reproduction(
        number,
        ours=over_seeds.mean,
        kind=str(rows["kind"].iloc[0]),
        difference=difference,
        verdict=judge(difference, number.tolerance, number.better),
        trained=trained,
        converged=None if rise.empty else bool((rise <= convergence.LIMIT).all()),
        curve=extrapolation.read(Cell(number.task, number.model, int(rows["seed"].iloc[0]))),
    )


def _ends(
    over_seeds: Interval, rows: pd.DataFrame, scale: float, published: float
) -> tuple[float, float] | tuple[None, None]:
    """Of the difference: over seeds, or of one seed the sampling interval; None where neither is known."""
    if over_seeds.low is not None and over_seeds.high is not None:
        return over_seeds.low - published, over_seeds.high - published
    low, high = (float(rows[name].iloc[0]) for name in ("sampling_low", "sampling_high"))
    if math.isnan(low) or math.isnan(high):
        return None, None
    return scale * low - published, scale * high - published


def _trained(number: PublishedNumber, settings: Params) -> float | None:
    """Items in all batches of a player's first step of each round, as a share of the paper's."""
    if number.items is None or number.model is None or number.task not in settings.task_events:
        return None
    training = settings.train(settings.task_events[number.task], number.model)
    return training.steps * training.batch_size / number.items


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
