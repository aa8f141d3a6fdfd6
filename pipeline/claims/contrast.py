"""A difference, one for each training seed, oriented so that a positive one is as claimed.

    difference   a - b            log_ratio   log(a / b), for seconds and distances, which are skewed

Pairing by the seed removes what both sides share, as the order of the batches.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from pipeline.claims.results import Seeds


@dataclass(frozen=True)
class Contrast:
    """`missing`: what would have to be measured, where anything would."""

    name: str
    seeds: Seeds
    missing: tuple[str, ...] = ()
    ratio: bool = False
    """The seeds are logarithms, and readers want their exponentials."""


def difference(name: str, a: Seeds, b: Seeds) -> Contrast:
    """By how much a exceeds b."""
    shared = sorted(a.keys() & b.keys())
    return Contrast(name, {seed: a[seed] - b[seed] for seed in shared}, _missing(name, shared))


def log_ratio(name: str, a: Seeds, b: Seeds) -> Contrast:
    """How many times b is in a; both positive."""
    shared = sorted(seed for seed in a.keys() & b.keys() if a[seed] > 0 and b[seed] > 0)
    return Contrast(name, {seed: math.log(a[seed] / b[seed]) for seed in shared}, _missing(name, shared), ratio=True)


def unmeasured(what: str) -> Contrast:
    """What no cell of the grid measures yet."""
    return Contrast(what, {}, (what,))


def _missing(name: str, shared: list[int]) -> tuple[str, ...]:
    return () if shared else (f"{name}: no seed has both sides",)
