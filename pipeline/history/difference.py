"""Two sides, number by number: improved, worse, within noise, or not comparable.

    seeds      where both sides have two or more: Student's t of after - before, paired where they share seeds, else
               Welch's; distances by their logarithms
    sampling   where one has a single seed, or all seeds differ alike: after - before of one shared seed against the
               root of the sum of squares of both sampling intervals' halves. What another training would have given
               stays unknown
    Holm       over all numbers that changed, so that of twenty comparisons of revisions that are equally good one
               shows a difference. What did not change by a digit was not made again, and tests nothing

Numbers of different protocols are not compared, but named with the fields that differ.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

from pipeline.history.side import Key, Numbers, Side
from pipeline.results.column import column
from pipeline.statistics.comparison import LEVEL, TTest, holm
from pipeline.statistics.intervals import Seeds

Verdict = Literal["improved", "worse", "within noise", "unknown"]
Basis = Literal["seeds", "sampling", "none"]


@dataclass(frozen=True)
class Difference:
    """`change`: after - before with its 95 % interval, of logarithms where `log`; `holm`: the adjusted p-value, None
    where nothing changed, or where no noise is known."""

    key: Key
    better: str
    before: float
    after: float
    change: float
    low: float | None
    high: float | None
    p: float | None
    basis: Basis
    log: bool
    holm: float | None = None

    @property
    def verdict(self) -> Verdict:
        if not self.change:
            return "within noise"
        if self.holm is None:
            return "unknown"
        if self.holm >= LEVEL:
            return "within noise"
        return "improved" if (self.change > 0) == (self.better == "higher") else "worse"


class Refused(NamedTuple):
    """A number whose protocols differ."""

    key: Key
    fields: tuple[str, ...]


class Differences(NamedTuple):
    """`gone`, `new`: numbers that one side alone has."""

    compared: tuple[Difference, ...]
    refused: tuple[Refused, ...]
    gone: tuple[Key, ...]
    new: tuple[Key, ...]


def differences(before: Side, after: Side, keys: Iterable[Key]) -> Differences:
    """The numbers of `keys`, in that order."""
    asked = list(keys)
    both = [key for key in asked if key in before.numbers and key in after.numbers]
    fields = {key: before.numbers[key].protocol.differing(after.numbers[key].protocol) for key in both}
    found = [_difference(key, before.numbers[key], after.numbers[key]) for key in both if not fields[key]]
    return Differences(
        compared=tuple(_corrected(found)),
        refused=tuple(Refused(key, fields[key]) for key in both if fields[key]),
        gone=tuple(key for key in asked if key in before.numbers and key not in after.numbers),
        new=tuple(key for key in asked if key not in before.numbers and key in after.numbers),
    )


def directed(before: Side, after: Side) -> list[Key]:
    """What both sides' quality is told by: every number with a direction but seconds and those of real images."""
    numbers = {**before.numbers, **after.numbers}
    shown = (key for key, of in numbers.items() if of.better != "none")
    return [key for key in shown if column(key.metric).table in ("quality", "file")]


def _difference(key: Key, before: Numbers, after: Numbers) -> Difference:
    log = column(key.metric).log and min(*before.seeds.values(), *after.seeds.values()) > 0
    seeds = _over_seeds(key, before, after, log) if min(len(before.seeds), len(after.seeds)) > 1 else None
    return seeds or _over_samples(key, before, after)


def _over_seeds(key: Key, before: Numbers, after: Numbers, log: bool) -> Difference | None:
    """None where the seeds show no spread."""
    a, b = ({seed: math.log(v) if log else v for seed, v in of.seeds.items()} for of in (before, after))
    test = TTest.of(b, a)
    if not test.error:
        return None
    was, now = (math.exp(_mean(of)) if log else _mean(of) for of in (a, b))
    return Difference(key, after.better, was, now, test.mean, *test.ends, _p(test.mean, test.p), "seeds", log)


def _over_samples(key: Key, before: Numbers, after: Numbers) -> Difference:
    seed = next((seed for seed in before.seeds if seed in after.seeds), None)
    if seed is None:
        a, b = _mean(before.seeds), _mean(after.seeds)
        return Difference(key, after.better, a, b, b - a, None, None, None, "none", False)
    a, b = before.seeds[seed], after.seeds[seed]
    spans = [of.sampled.get(seed) for of in (before, after)]
    halves = [(s.high - s.low) / 2 for s in spans if s and s.low is not None and s.high is not None]
    if len(halves) < 2:
        return Difference(key, after.better, a, b, b - a, None, None, None, "none", False)
    half = math.hypot(*halves)
    ends = b - a - half, b - a + half
    return Difference(key, after.better, a, b, b - a, *ends, _p(b - a, _normal(b - a, half)), "sampling", False)


def _normal(change: float, half: float) -> float:
    """Two-sided p-value of a change whose 95 % interval has this half."""
    if not half:
        return float(not change)
    return float(2 * ndtr(-abs(change) / half * ndtri(1 - LEVEL / 2)))


def _p(change: float, p: float) -> float | None:
    return p if change else None


def _corrected(found: Sequence[Difference]) -> list[Difference]:
    tested = [difference.p for difference in found if difference.p is not None]
    adjusted = iter(holm(tested))
    return [one if one.p is None else replace(one, holm=next(adjusted)) for one in found]


def _mean(seeds: Seeds) -> float:
    return float(np.mean(list(seeds.values())))
