"""Precision and recall within each class, averaged over the classes.

A sample of one class that looks like a real image of another is no success of a conditional model, though precision
over all classes counts it as one; nor is recall over all classes hurt by a class whose samples are all alike, as long
as those of another reach its images.

A class takes part if both its real and its fake items have k neighbours within it.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.metrics.manifold import manifold


class Classwise(NamedTuple):
    """Means over `classes`; higher is better."""

    precision: float
    recall: float
    classes: int
    """Those that took part; with none the means are nan."""
    of: int
    """All that are there."""


def classwise(*, real: Tensor, real_c: Tensor, fake: Tensor, fake_c: Tensor, neighbours: int) -> Classwise:
    """real (N, D) of classes real_c (N,), fake (M, D) made under fake_c (M,)."""
    labels = torch.cat([real_c, fake_c]).unique()
    pairs = ((real[real_c == label], fake[fake_c == label]) for label in labels)
    found = [
        manifold(real=r, fake=f, neighbours=neighbours, coverage_neighbours=neighbours)
        for r, f in pairs
        if min(len(r), len(f)) > neighbours
    ]
    means = torch.tensor([[m.precision, m.recall] for m in found], dtype=torch.float64).reshape(-1, 2).mean(dim=0)
    precision, recall = means.tolist()
    return Classwise(precision, recall, len(found), len(labels))
