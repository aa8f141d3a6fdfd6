"""A difference, one for each training seed, oriented so that a positive one is as claimed.

    difference   a - b            log_ratio   log(a / b), for seconds and distances, which are skewed

Pairing by the seed removes what both sides share, as the order of the batches. A seed that a cell of either side lacks
is left out, and said to be.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from pipeline.claims.results import Measured, Seeds, cells


@dataclass(frozen=True)
class Contrast:
    """`missing`: what would have to be measured, where anything would. `left_out`: the seeds that only a part of the
    cells has, and the cells that lack them; a verdict does without."""

    name: str
    seeds: Seeds
    missing: tuple[str, ...] = ()
    ratio: bool = False
    """The seeds are logarithms, and readers want their exponentials."""
    left_out: tuple[str, ...] = ()


def difference(name: str, a: Seeds, b: Seeds) -> Contrast:
    """By how much a exceeds b."""
    return _paired(name, {seed: a[seed] - b[seed] for seed in sorted(a.keys() & b.keys())}, (a, b))


def log_ratio(name: str, a: Seeds, b: Seeds) -> Contrast:
    """How many times b is in a; both positive."""
    shared = sorted(seed for seed in a.keys() & b.keys() if a[seed] > 0 and b[seed] > 0)
    return _paired(name, {seed: math.log(a[seed] / b[seed]) for seed in shared}, (a, b), ratio=True)


def unmeasured(what: str) -> Contrast:
    """What no cell of the grid measures yet."""
    return Contrast(what, {}, (what,))


def left_out(shared: Seeds, sides: Sequence[Seeds]) -> tuple[str, ...]:
    """'seeds 3, 4 left out, without precision of ring-gan'; nothing if no seed is shared."""
    return tuple(_left_out(shared, sides)) if shared else ()


def _paired(name: str, seeds: Seeds, sides: Sequence[Seeds], ratio: bool = False) -> Contrast:
    missing = () if seeds else (f"{name}: no seed has both sides",)
    return Contrast(name, Measured(seeds, cells(*sides)), missing, ratio, left_out(seeds, sides))


def _left_out(shared: Seeds, sides: Sequence[Seeds]) -> Iterator[str]:
    known = cells(*sides)
    seen = {*(seed for side in sides for seed in side), *(seed for seeds in known.values() for seed in seeds)}
    for reason, seeds in groupby(sorted(seen - shared.keys()), key=lambda seed: _reason(seed, sides)):
        found = list(seeds)
        yield f"seed{'s' * (len(found) > 1)} {', '.join(map(str, found))} left out, {reason}"


def _reason(seed: int, sides: Sequence[Seeds]) -> str:
    without = [what for what, seeds in cells(*sides).items() if seed not in seeds]
    if without:
        return f"without {', '.join(without)}"
    return "not positive" if all(seed in side for side in sides) else "not on both sides"
