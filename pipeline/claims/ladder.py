"""Claims about conditions: the more a condition says, the less is left to model."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from pipeline.claims.claim import Claim
from pipeline.claims.contrast import Contrast, difference
from pipeline.claims.results import Results, kinds
from pipeline.claims.roster import LIKELIHOOD, ROSTERS, SHAPES


def _drops(results: Results) -> Iterator[Contrast]:
    """Each model with itself. Bounds of one kind are compared as reported; of two kinds, by their slack."""
    for sparse, dense in pairwise(SHAPES):
        for model in ROSTERS[sparse][LIKELIHOOD]:
            before, after = (results.seeds(task, model, "bits_per_dim") for task in (sparse, dense))
            same = len(kinds(before, after)) == 1
            yield difference(f"bits/dim of {model}, {sparse} - {dense}", before, after, as_reported=same)


CLAIMS = (
    Claim(
        "richer-conditions",
        "Richer conditions lower the bits/dim that a model reports, from each condition to the next denser one; of a "
        "model with a bound, the bound.",
        "bits_per_dim", ("the sparser condition", "the denser"), _drops, "conditions-ladder.png",
    ),
)  # fmt: skip
