"""The claim that likelihood and Fréchet distance order the models differently.

Let x_s and y_s be the ranks of the models of a task by likelihood and by minus the Fréchet distance, for training seed
s. Both are noisy, since some models lie closer together than the noise of a seed, and noise alone lowers Spearman's
correlation rho(x, y). The correlation of what is reproducible in both is estimated with a correction for attenuation
(Spearman 1904, Am. J. Psychol. 15), with the reliabilities from pairs of different seeds s, t:

    rho* = mean rho(x_s, y_t) / sqrt(mean rho(x_s, x_t) mean rho(y_s, y_t))

It is 1 if the expected ranks agree, however large the noise of either. The contrast is 1 - rho*, tested over seeds by
the jackknife's pseudo-values (Miller 1974, Biometrika 61). A true value is never below 0, so that the contrast can
support, and cannot contradict. If no rank changes between seeds, the pseudo-values are equal, and the claim is
undecided for want of spread. Where a reliability is not above `LEAST` with each seed left out, there is no
reproducible order to compare.

The models are those with an exact likelihood (`claim.EXACT`) that converged: a bound does not order a model against an
exact number.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.claims.claim import EXACT, Claim
from pipeline.claims.contrast import Contrast, blind, left_out, unmeasured
from pipeline.results.table import Results, SeedValues, sources

TASKS, LEAST, FEWEST, MODELS = ("ring", "ring_wide", "grid", "grid_wide"), 0.2, 3, 4
"""`LEAST`: reliability of an order that can be compared. `FEWEST`: seeds that the jackknife needs. `MODELS`: how many
an order is of at least."""

Matrix = NDArray[np.float64]


def _orders(results: Results) -> Iterator[Contrast]:
    for task in TASKS:
        models = [m for m in EXACT if len(results.seeds(task, m, "nats")) >= FEWEST]
        nats, frechet = ([results.seeds(task, m, metric) for m in models] for metric in ("nats", "frechet"))
        sides = [*nats, *frechet]
        shared = sorted(set.intersection(*map(set, sides))) if len(models) >= MODELS else []
        name = f"{task}, 1 - disattenuated rank correlation of likelihood and Fréchet distance"
        if len(shared) < FEWEST:
            yield unmeasured(
                f"{name}: fewer than {MODELS} of {', '.join(EXACT)} have {FEWEST} converged seeds in common"
            )
            continue
        x, y = (np.array([[one[seed] for one in side] for seed in shared]) for side in (nats, frechet))
        values = one_minus_correlation(x, -y)
        seeds = SeedValues({} if values is None else dict(zip(shared, values.tolist(), strict=True)), sources(*sides))
        missing = (f"{name}: one of the orders is not reproduced by other seeds",) if values is None else ()
        absent = [f"{model} left out: fewer than {FEWEST} converged seeds" for model in EXACT if model not in models]
        out = (*left_out(seeds, sides), *absent)
        yield Contrast(name, seeds, missing, left_out=out, blind=blind(*sides), one_sided=True)


def one_minus_correlation(x: Matrix, y: Matrix) -> Matrix | None:
    """The jackknife's pseudo-values of 1 - rho*.

    Args:
        x, y: (S, K) the scores of K models for each of S >= 3 seeds; higher is better.

    Returns:
        (S,) pseudo-values, whose mean estimates 1 - rho*; None where one of the orders is not reproducible.
    """
    products = [a @ b.T for a, b in ((_ranks(x), _ranks(x)), (_ranks(y), _ranks(y)), (_ranks(x), _ranks(y)))]
    every = np.arange(len(x))
    estimates = [_disattenuated(products, seeds) for seeds in (every, *(np.delete(every, s) for s in every))]
    if any(estimate is None for estimate in estimates):
        return None
    rho, *without = (estimate for estimate in estimates if estimate is not None)
    return 1 - (len(x) * rho - (len(x) - 1) * np.array(without))


def _ranks(scores: Matrix) -> Matrix:
    """(S, K) -> ranks of each row, centred and of norm 1, so that products of rows are Spearman's correlations."""
    from scipy.stats import rankdata  # seconds to import

    ranks = rankdata(scores, axis=1)
    ranks -= ranks.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(ranks, axis=1, keepdims=True)
    return np.divide(ranks, norm, out=np.zeros_like(ranks), where=norm > 0)


def _disattenuated(products: Sequence[Matrix], seeds: NDArray[np.intp]) -> float | None:
    """rho* over some of the seeds; None where a reliability is too low."""
    apart = ~np.eye(len(seeds), dtype=bool)
    xx, yy, xy = (float(found[np.ix_(seeds, seeds)][apart].mean()) for found in products)
    return xy / math.sqrt(xx * yy) if min(xx, yy) > LEAST else None


CLAIMS = (
    Claim(
        "two-orders",
        "A better likelihood does not mean a better Fréchet distance: the two order the models differently.",
        "likelihood and Fréchet distance order models differently",
        "nats, frechet", ("one order", "the order by likelihood and the order by Fréchet distance"), _orders,
    ),
)  # fmt: skip
