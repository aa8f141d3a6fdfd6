"""What is said of conditions: the more is told, the less is left to model."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from pipeline.claims.claim import Claim
from pipeline.claims.contrast import Contrast, difference
from pipeline.claims.results import EXPLICIT, Results

RUNGS = ("shapes_none", "shapes_class", "shapes_box", "shapes_segmentation", "shapes_grayscale")


def _drops(results: Results) -> Iterator[Contrast]:
    for sparse, dense in pairwise(RUNGS):
        before, after = (results.family(task, EXPLICIT, "bits_per_dim") for task in (sparse, dense))
        yield difference(f"bits/dim, {sparse} - {dense}", before, after)


CLAIMS = (
    Claim(
        "richer-conditions",
        "Richer conditions lower bits/dim, rung by rung.",
        "bits_per_dim", ("the sparser condition", "the denser"), _drops, "conditions-ladder.png",
    ),
)  # fmt: skip
