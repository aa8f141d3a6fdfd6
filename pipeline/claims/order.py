"""What is said of the order of models: by likelihood it is not the one by samples.

Spearman's rank correlation over all explicit models of a task. The Fréchet distances of two seeds do not order models
alike either, for some models lie closer together than its noise. So for each seed s, over all other seeds t,

    mean of rho(-Frechet_s, -Frechet_t) - mean of rho(likelihood_s, -Frechet_t)

which is above 0 if a Fréchet distance tells more of another one than the likelihood does. If both had one true order,
the likelihood, which is the less noisy, would tell at least as much.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.claims.claim import Claim
from pipeline.claims.contrast import Contrast, left_out
from pipeline.claims.results import EXPLICIT, Results, Seeds

TASKS, FEWEST = ("ring", "ring_wide", "grid", "grid_wide"), 5
"""`FEWEST`: models that make an order."""


def _apart(results: Results) -> Iterator[Contrast]:
    for task in TASKS:
        models = results.models(task, EXPLICIT, "nats")
        nats, frechet = ([results.seeds(task, m, metric) for m in models] for metric in ("nats", "frechet"))
        shared = set.intersection(*map(set, [*nats, *frechet])) if len(models) >= FEWEST else set()
        name = f"{task}, rank correlation with another seed's Fréchet distance"
        missing = () if len(shared) > 1 else (f"{name}: fewer than {FEWEST} models, or than two seeds that all have",)
        told = _advantage(nats, frechet, sorted(shared)) if not missing else {}
        yield Contrast(name, told, missing, left_out=left_out(told, [*nats, *frechet]))


def _advantage(nats: Sequence[Seeds], frechet: Sequence[Seeds], seeds: Sequence[int]) -> Seeds:
    """By how much the Fréchet distance tells the order of another seed's better than the likelihood does."""
    from scipy.stats import spearmanr  # WHY here: seconds to import

    def told(by: Sequence[Seeds], sign: int, s: int) -> float:
        others = (
            spearmanr([sign * one[s] for one in by], [-one[t] for one in frechet]).statistic for t in seeds if t != s
        )
        return float(sum(others)) / (len(seeds) - 1)

    return {s: told(frechet, -1, s) - told(nats, 1, s) for s in seeds}


CLAIMS = (
    Claim(
        "two-orders",
        "A better likelihood does not mean a better Fréchet distance: the two order the models differently.",
        "nats, frechet", ("the order by another seed's Fréchet distance", "the order by likelihood"), _apart,
    ),
)  # fmt: skip
