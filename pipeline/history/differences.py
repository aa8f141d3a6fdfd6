"""Two result sets compared number by number: improved, worse, within noise, or not comparable.

    seeds      where both sides have two or more seeds: Student's t of after - before, paired where they share seeds,
               else Welch's; of the logarithms where the metric is a distance
    sampling   where one has a single seed, or the seeds show no spread: after - before of one shared seed against
               (h_a^2 + h_b^2)^(1/2), h the half widths of both sampling intervals. The noise of training is unknown
    Holm       over all numbers that changed: the probability that any of them is called a change by chance is at most
               5 %. A number that did not change by a digit was not measured again and is no test

Numbers of different protocols are not compared; the fields that differ are named.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

from pipeline.history.result_set import Key, Numbers, ResultSet
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


def differences(before: ResultSet, after: ResultSet, keys: Iterable[Key]) -> Differences:
    """Compare the numbers of `keys`, in that order."""
    wanted = list(keys)
    both = [key for key in wanted if key in before.numbers and key in after.numbers]
    fields = {key: before.numbers[key].protocol.differing(after.numbers[key].protocol) for key in both}
    found = [_difference(key, before.numbers[key], after.numbers[key]) for key in both if not fields[key]]
    return Differences(
        compared=tuple(_corrected(found)),
        refused=tuple(Refused(key, fields[key]) for key in both if fields[key]),
        gone=tuple(key for key in wanted if key in before.numbers and key not in after.numbers),
        new=tuple(key for key in wanted if key not in before.numbers and key in after.numbers),
    )


def regressions(found: Differences, after: ResultSet) -> Iterator[Difference | Key]:
    """What is a regression: a number that is worse beyond noise, or one that is gone because its model failed.

    A model that left the grid, a suite that was not run and a number under another protocol are none.
    """
    yield from (one for one in found.compared if one.verdict == "worse")
    yield from (key for key in found.gone if (key.task, key.model) in after.faults)


def quality_numbers(before: ResultSet, after: ResultSet) -> list[Key]:
    """Every number of both sides that has a direction, but for seconds and those of real images."""
    numbers = {**before.numbers, **after.numbers}
    directed = (key for key, of in numbers.items() if of.better != "none")
    return [key for key in directed if column(key.metric).table in ("quality", "file")]


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
