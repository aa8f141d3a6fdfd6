"""A difference between two sides, one value for each training seed, oriented so that a positive one is as claimed.

    difference   a - b            log_ratio   log(a / b), for seconds and distances, which are skewed

Sides that share a model, at another width, setting or condition, are paired by the training seed. Different models are
independent samples, although one seed shows them the same batches: over seeds their likelihoods do not correlate
(docs/protocol.md#seeds), so that pairing would halve the degrees of freedom and remove nothing.

A seed that a source of either side lacks is left out, and named. A contrast that a blind metric enters is set aside,
also where the metric enters through a difference of differences. A contrast of bounds decides only where the slack of
the bounds cannot have made its sign:

    a, b exact or estimates       measured = true              can support, can contradict
    a upper, or b lower bound     measured >= true             can contradict only
    a lower, or b upper bound     measured <= true             can support only
    both upper, or both lower     measured - true unknown      can do neither

A sentence on the reported bounds themselves is compared `as_reported`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from pipeline.results.selection import Measured, cells, excess, share_a_model
from pipeline.statistics.intervals import Seeds


@dataclass(frozen=True)
class Contrast:
    """A difference, one value for each training seed.

    Attributes:
        name: what is compared.
        seeds: training seed -> difference.
        missing: what would have to be measured, where anything would.
        ratio: the values are logarithms of ratios, and are shown as ratios.
        left_out: the seeds that only a part of the sources has, and the sources that lack them.
        part: the part of the sentence that it is about; a sentence is supported only if each of its parts has a
            contrast that is not set aside.
        blind: why it is set aside; empty if it counts.
        excess: the signs of (measured - true value) that bounds allow.
        one_sided: the true value is never negative, so that a negative one is noise.
        sides: the values of both sides, one for each seed, where they are independent; None where they are paired.
        counted: the values are counts without noise, so that their sign decides.
        remark: what is measured beside it and decides nothing.
    """

    name: str
    seeds: Seeds
    missing: tuple[str, ...] = ()
    ratio: bool = False
    left_out: tuple[str, ...] = ()
    part: str = ""
    blind: str = ""
    excess: frozenset[int] = frozenset()
    one_sided: bool = False
    sides: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    counted: bool = False
    remark: str = ""

    @property
    def can_support(self) -> bool:
        """Whether a positive measured value implies a positive true one."""
        return 1 not in self.excess

    @property
    def can_contradict(self) -> bool:
        """Whether a negative measured value implies a negative true one."""
        return -1 not in self.excess and not self.one_sided


def difference(name: str, a: Seeds, b: Seeds, *, part: str = "", as_reported: bool = False) -> Contrast:
    """a - b, seed by seed.

    Args:
        part: the part of the sentence that it is about.
        as_reported: the sentence is about the reported bounds, not about what they bound.
    """
    shared = sorted(a.keys() & b.keys())
    return _contrast(name, shared, a, b, part=part, as_reported=as_reported)


def log_ratio(name: str, a: Seeds, b: Seeds) -> Contrast:
    """log(a / b), seed by seed; both positive."""
    shared = sorted(seed for seed in a.keys() & b.keys() if a[seed] > 0 and b[seed] > 0)
    return _contrast(name, shared, a, b, ratio=True)


def count(contrast: Contrast, remark: str = "") -> Contrast:
    """A contrast of counts."""
    return replace(contrast, counted=True, remark=remark)


def unmeasured(what: str) -> Contrast:
    """A contrast that no cell of the grid measures yet."""
    return Contrast(what, {}, (what,))


def left_out(shared: Seeds, sides: Sequence[Seeds]) -> tuple[str, ...]:
    """'seeds 3, 4 left out, without precision of ring-gan'; nothing if no seed is shared."""
    return tuple(_left_out(shared, sides)) if shared else ()


def blind(*sides: Seeds) -> str:
    """The reasons why metrics that enter are blind, each once; empty if all are admitted."""
    return "; ".join(dict.fromkeys(source.blind for source in cells(*sides).values() if source.blind))


def _contrast(
    name: str,
    shared: Sequence[int],
    a: Seeds,
    b: Seeds,
    *,
    ratio: bool = False,
    part: str = "",
    as_reported: bool = False,
) -> Contrast:
    x, y = (tuple(math.log(side[seed]) if ratio else side[seed] for seed in shared) for side in (a, b))
    seeds = {seed: one - other for seed, one, other in zip(shared, x, y, strict=True)}
    missing = () if seeds else (f"{name}: no seed has both sides",)
    signs = frozenset[int]() if as_reported else excess(a) | {-sign for sign in excess(b)}
    values = Measured(seeds, cells(a, b), signs)
    sides = None if share_a_model(a, b) else (x, y)
    return Contrast(name, values, missing, ratio, left_out(seeds, (a, b)), part, blind(a, b), signs, sides=sides)


def _left_out(shared: Seeds, sides: Sequence[Seeds]) -> Iterator[str]:
    known = cells(*sides)
    seen = {*(seed for side in sides for seed in side), *(seed for source in known.values() for seed in source.seeds)}
    for reason, seeds in groupby(sorted(seen - shared.keys()), key=lambda seed: _reason(seed, sides)):
        found = list(seeds)
        yield f"seed{'s' * (len(found) > 1)} {', '.join(map(str, found))} left out, {reason}"


def _reason(seed: int, sides: Sequence[Seeds]) -> str:
    without = [what for what, source in cells(*sides).items() if seed not in source.seeds]
    if without:
        return f"without {', '.join(without)}"
    return "not positive" if all(seed in side for side in sides) else "not on both sides"
