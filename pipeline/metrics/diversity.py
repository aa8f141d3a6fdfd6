"""How much variety a fixed condition leaves.

    spread        mean distance between the features of two different items
    diversity     mean over conditions of the spread of several samples for one of them, / spread of real data

0: the condition decides everything. 1: a fixed condition leaves as much variety as there is in all of the data, as with
a model that ignores it. What is right is neither, but what the data leave. Real images that share a condition tell, and
where only classes are shared, only for those.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from pipeline.metrics.finite import check_finite
from pipeline.metrics.neighbours import distances


def diversity(*, real: Tensor, groups: Sequence[Tensor]) -> Tensor:
    """real (N, D), whose spread is taken as known; K groups of features (R, D), two rows at least, that share a
    condition -> (K,), of which the mean is the diversity."""
    return torch.stack([spread(group) for group in groups]) / spread(real)


def spread(x: Tensor) -> Tensor:
    """x (N, D) -> () float64: the mean distance over pairs of different rows.

    Raises:
        FloatingPointError: a row is not finite; the message has its index.
    """
    check_finite(x, "the feature vector of item")
    total = torch.stack([block.sum() for block in distances(x, x)]).sum()
    return total / (len(x) * (len(x) - 1))


def sharing(x: Tensor, c: Tensor) -> list[Tensor]:
    """x (N, D) with classes c (N,) -> the rows of each class that has two or more."""
    groups = (x[c == label] for label in c.unique())
    return [group for group in groups if len(group) > 1]
