"""Pairwise comparisons of all models of a table on one metric. The training seed is the unit of replication.

    difference    mean a - mean b with Welch's t. Two models are independent samples: one seed shows both the same
                  batches, but their scores do not correlate over seeds (docs/protocol.md#seeds), so that a paired test
                  would have half the degrees of freedom for the same spread. Two sizes of one model do, and are paired
                  (`TTest.of`). Without spread, as counts may have, there is no test and p = 1
    Holm          the p-values of all pairs of one metric of one task together, so that one of twenty tables of equal
                  models shows a difference, not one of twenty pairs (Holm 1979, Scand. J. Statist. 6)
    letters       compact letter display: models that share a letter do not differ at 5 % (Piepho 2004,
                  doi:10.1198/1061860043515)
    P(best)       share of draws of all means, each from its own t distribution over seeds, in which a model's is best;
                  a draw in which several are is shared among them
    needed        seeds of each model that give the test of this pair alone a power of .8, if the true difference and
                  spreads are those observed, by the sum of the t quantiles of level and power

No rank test: with three seeds against three it cannot go below p = .1. Distances are compared by their logarithms.
"""

from __future__ import annotations

import math
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from pipeline.statistics.intervals import Seeds, welch_error

LEVEL, POWER, DRAWS, MOST, FEWEST = 0.05, 0.8, 20_000, 1000, 3
"""`MOST`: the largest reported number of needed seeds. `FEWEST`: shared seeds that suffice for a paired test."""
ROUNDING = 1e-9
"""Of the values: a spread below is that of floating-point numbers."""


@dataclass(frozen=True)
class Pair:
    """Two models; `difference` a - b, of logarithms where the table says so, with its 95 % interval."""

    a: str
    b: str
    difference: float
    low: float | None
    """None without spread."""
    high: float | None
    test: str
    p: float
    holm: float
    needed: int | None
    """None if it exceeds `MOST`, or without spread."""
    error: float = 0.0
    """The standard error of the difference over seeds; 0 without spread."""
    freedom: float = 1.0
    seeds: int = 2
    """Of the model that has fewer."""

    @property
    def apart(self) -> bool:
        return self.holm < LEVEL


@dataclass(frozen=True)
class Comparison:
    pairs: tuple[Pair, ...]
    letters: Mapping[str, str]
    p_best: Mapping[str, float]
    """Model -> P(best)."""


NONE = Comparison((), {}, {})
"""Of no models."""


def compare(
    seeds: Mapping[str, Seeds], better: str, paired: Callable[[str, str], bool] = lambda a, b: False
) -> Comparison:
    """Compare all pairs of models that have two seeds or more.

    Args:
        seeds: model -> its values by seed.
        better: 'higher' or 'lower'; nothing is compared where it is 'none'.
        paired: whether two models share their training seeds' randomness, as two widths of one model do.
    """
    values = {model: of for model, of in seeds.items() if len(of) > 1}
    if better == "none" or len(values) < 2:
        return NONE
    found = [(TTest.of if paired(a, b) else TTest.welch)(values[a], values[b]) for a, b in combinations(values, 2)]
    corrected = holm([test.p for test in found])
    pairs = tuple(
        Pair(
            a, b, t.mean, *t.ends, t.name, t.p, p, t.needed(),
            error=t.error, freedom=t.freedom, seeds=min(len(values[a]), len(values[b])),
        )
        for (a, b), t, p in zip(combinations(values, 2), found, corrected, strict=True)
    )  # fmt: skip
    sign = 1 if better == "higher" else -1
    order = sorted(values, key=lambda model: -sign * _mean(values[model]))
    return Comparison(pairs, letters(order, {frozenset((p.a, p.b)) for p in pairs if p.apart}), _best(values, sign))


def holm(p: Sequence[float]) -> list[float]:
    """p-values -> adjusted ones, in the same order.

    Equal to `multipletests(p, method="holm")` of statsmodels, which collects garbage in each call (50 ms) and would add
    a minute to a report of a thousand tables.
    """
    order = np.argsort(p)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(np.asarray(p)[order] * np.arange(len(p), 0, -1)))
    return [float(one) for one in adjusted]


def letters(order: Sequence[str], apart: set[frozenset[str]]) -> dict[str, str]:
    """Models from best to worst, and the pairs that differ -> 'a', 'ab', ...: two that do not differ share a letter."""
    groups = [set(order)]
    for pair in apart:
        for group in [g for g in groups if pair <= g]:
            groups.remove(group)
            groups += [group - {model} for model in pair]
        groups = [g for g in groups if not any(g < other for other in groups)]
        groups = [g for place, g in enumerate(groups) if g not in groups[:place]]
    groups.sort(key=lambda group: sorted(map(order.index, group)))
    return {model: "".join(_letter(i) for i, group in enumerate(groups) if model in group) for model in order}


def _letter(place: int) -> str:
    """a to z, then a1 to z1, and so on."""
    turn, at = divmod(place, len(string.ascii_lowercase))
    return string.ascii_lowercase[at] + (str(turn) if turn else "")


@dataclass(frozen=True)
class TTest:
    """A t test of a mean difference.

    Attributes:
        error: its standard error; 0 where the seeds show no spread.
        freedom: degrees of freedom.
        spread: standard deviation of the difference of one seed of each side.
        sides: 1 where the differences of paired seeds are one sample, 2 where the sides are independent samples.
    """

    name: str
    mean: float
    error: float
    freedom: float
    spread: float
    sides: int

    @classmethod
    def of(cls, a: Seeds, b: Seeds) -> TTest:
        """One model twice: paired, where both have the same seeds, or share three or more whose mean difference
        has the sign of that of all; else Welch's.

        Raises:
            ValueError: a side has fewer than two seeds.
        """
        shared, all_of_them = sorted(a.keys() & b.keys()), cls.welch(a, b)
        if len(shared) < min(FEWEST, max(len(a), len(b))):
            return all_of_them
        paired = cls._paired(a, b, shared)
        return paired if paired.mean * all_of_them.mean >= 0 else all_of_them

    @classmethod
    def _paired(cls, a: Seeds, b: Seeds, shared: Sequence[int]) -> TTest:
        d = np.array([a[seed] - b[seed] for seed in shared])
        spread = _spread(d, max(abs(of[seed]) for of in (a, b) for seed in shared))
        return cls(f"paired t, {len(d)} seeds", float(d.mean()), spread / math.sqrt(len(d)), len(d) - 1, spread, 1)

    @classmethod
    def welch(cls, a: Seeds, b: Seeds) -> TTest:
        """Two models.

        Raises:
            ValueError: a side has fewer than two seeds.
        """
        if min(len(a), len(b)) < 2:
            raise ValueError("a t test needs two seeds on each side")
        x, y = (np.array(list(of.values())) for of in (a, b))
        spreads = [_spread(of, np.abs(of).max()) for of in (x, y)]
        error, freedom = welch_error([len(x), len(y)], spreads)
        mean, spread = float(x.mean() - y.mean()), math.hypot(*spreads)
        return cls(f"Welch's t, {len(x)} and {len(y)} seeds", mean, error, freedom, spread, 2)

    @property
    def p(self) -> float:
        """Two-sided."""
        if not self.error:
            return 1.0
        return float(2 * stdtr(self.freedom, -abs(self.mean) / self.error))

    @property
    def ends(self) -> tuple[float | None, float | None]:
        """Of the 95 % interval; None where there is no spread."""
        if not self.error:
            return None, None
        half = float(stdtrit(self.freedom, 1 - LEVEL / 2)) * self.error
        return self.mean - half, self.mean + half

    def needed(self) -> int | None:
        if not (self.mean and self.error):
            return None
        n, quantiles = _quantiles(self.sides)
        reach = quantiles * self.spread / np.sqrt(n)
        enough = n[reach <= abs(self.mean)]
        return int(enough[0]) if len(enough) else None


@cache
def _quantiles(sides: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Numbers of seeds, and for each the sum of the t quantiles that level and power ask for."""
    n = np.arange(2, MOST + 1)
    freedom = sides * (n - 1)
    return n, stdtrit(freedom, 1 - LEVEL / 2) + stdtrit(freedom, POWER)


def _best(values: Mapping[str, Seeds], sign: int) -> dict[str, float]:
    rng = np.random.default_rng(0)
    drawn = np.stack([_draws(np.array(list(of.values())), rng) for of in values.values()])
    first = drawn == sign * (sign * drawn).max(axis=0)
    share = (first / first.sum(axis=0)).mean(axis=1)
    return {model: float(share[row]) for row, model in enumerate(values)}


def _draws(x: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """(DRAWS,) means that seeds like these could have."""
    error = x.std(ddof=1) / math.sqrt(len(x))
    drawn: NDArray[np.float64] = x.mean() + error * rng.standard_t(len(x) - 1, DRAWS)
    return drawn


def _spread(x: NDArray[np.float64], size: float) -> float:
    spread = float(x.std(ddof=1))
    return spread if spread > ROUNDING * size else 0.0


def _mean(of: Seeds) -> float:
    return sum(of.values()) / len(of)
