"""Laws of how splits are drawn: the seed decides, and no split shows what another holds."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.laws.law import law, require
from pipeline.laws.source import Source, splits_of

DEVIATIONS = 3
"""Standard deviations of the number of repeats that chance may add."""


@law()
def the_seed_alone_decides(source: Source) -> None:
    """The same sizes and seed give the same bytes, whatever was drawn before."""
    np.random.seed(1)
    torch.manual_seed(1)
    before = source.make()
    np.random.seed(2)
    torch.manual_seed(2)
    for name, split, _ in splits_of(source.make()):
        for what, array in split.arrays().items():
            same = np.array_equal(array, before.splits[name].arrays()[what])
            require(same, f"{what} of {name} differs from call to call: draw with np.random.default_rng(seed)")


@law()
def another_seed_draws_others(source: Source) -> None:
    """Another seed gives another training split: other items, or others of those that there are."""
    same = np.array_equal(source.make(0).splits["train"].x, source.make(1).splits["train"].x)
    require(not same, "train is the same under another seed: draw with np.random.default_rng(seed)")


@law()
def no_split_repeats_another(source: Source) -> None:
    """No point is in two splits; images are no oftener than within train."""
    made = source.make()
    rows = {name: _rows(split.x) for name, split, _ in splits_of(made)}
    counts = Counter(rows["train"])
    own = sum(count for count in counts.values() if count > 1) / max(1, len(rows["train"]))
    usual = own if made.event.kind == "images" else 0.0
    for name, other in (("validation", "train"), ("test", "train"), ("test", "validation")):
        there, count = set(rows[other]), len(rows[name])
        again = sum(row in there for row in rows[name])
        chance = count * usual + DEVIATIONS * math.sqrt(count * usual * (1 - usual))
        require(again <= chance, f"{again} of {count} items of {name} are in {other} too, and {own:.0%} of train twice")


def _rows(x: NDArray[Any]) -> list[bytes]:
    return [row.tobytes() for row in x]
