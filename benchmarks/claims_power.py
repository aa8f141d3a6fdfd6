"""Measure the rule of the claims: how often it is wrong on any claim, and how often it finds what is there.

    python benchmarks/claims_power.py [--tables 400]

Reads reports/results.csv. Each made-up table has the claims, contrasts, models and seeds of the committed one, with
normal values of the spread that is observed there, and a true effect that is set:

    none      no claim has an effect: "supported" and "contradicted" are false
    bound     each effect is as large as the claim's equivalence bound: "contradicted" and "no difference" are false
    half      every second claim has the effect that is observed, the others none
    observed  every claim has the effect that is observed: the power

It prints the share of tables with a false verdict on any claim, which is to be at most 5 %, then the power of each
claim, and last the true coverage of nominal 95 % intervals of a family's mean: t over models, as the rule has it, a
bootstrap over models and then over their seeds, and t over all seeds as if they were independent. Contrasts of a claim
that share models are simulated as independent, and so are claims. Where one value is known of a side, its spread is
that of the other side.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.claims.claims_md import CATALOGUE
from pipeline.claims.contrast import Contrast
from pipeline.claims.rule import ALPHA, Judgement, Word, judge_all
from pipeline.results.table import Results
from pipeline.statistics.intervals import Interval, student_t

Claims = Sequence[tuple[Sequence[Contrast], float | None]]
SCENARIOS = ("none", "bound", "half", "observed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=400)
    options = parser.parse_args()
    results = Results.read().trained
    claims = [(list(claim.contrasts(results)), claim.margin) for claim in CATALOGUE]
    rng = np.random.default_rng(0)
    for scenario in SCENARIOS[:3]:
        wrong = sum(is_false(scenario, simulated(claims, scenario, rng)) for _ in range(options.tables))
        error, share = math.sqrt(ALPHA * (1 - ALPHA) / options.tables), wrong / options.tables
        print(f"{scenario}: false verdicts in {share:.1%} of {options.tables} tables, at most 5 % ± {2 * error:.1%}")
    power(claims, options.tables, rng)
    for models in (2, 4, 7, 10):
        print(f"{models} models: {coverage(models, 1000, rng)}")


def simulated(claims: Claims, scenario: str, rng: np.random.Generator) -> list[Judgement]:
    """The verdicts on one made-up table."""
    made = []
    for place, (contrasts, margin) in enumerate(claims):
        observed = scenario == "observed" or (scenario == "half" and has_effect(place))
        made.append(([drawn(c, effect(c, margin, scenario, observed), rng) for c in contrasts], margin))
    return judge_all(made)


def has_effect(place: int) -> bool:
    return place % 2 == 0


def effect(contrast: Contrast, margin: float | None, scenario: str, observed: bool) -> float:
    """The true effect of a contrast."""
    if observed:
        return float(np.mean(values(contrast)[0]) - (np.mean(values(contrast)[1]) if len(values(contrast)) > 1 else 0))
    if scenario == "bound" and margin:
        return math.log(margin) if contrast.ratio else margin
    return 0.0


def values(contrast: Contrast) -> tuple[list[float], ...]:
    """The observed values of one sample or of two; (0,) of a sample without any."""
    if contrast.votes:
        sides = tuple([vote.mean for vote in votes.values()] for votes in contrast.votes)
    else:
        sides = tuple(map(list, contrast.sides)) if contrast.sides else (list(contrast.seeds.values()),)
    return tuple(side or [0.0] for side in sides)


def drawn(contrast: Contrast, mean: float, rng: np.random.Generator) -> Contrast:
    """The same contrast with other values of the same spread about another mean."""
    if contrast.by_sign or contrast.missing or contrast.blind:
        return contrast
    sides = values(contrast)
    spreads = [float(np.std(side, ddof=1)) if len(side) > 1 else 0.0 for side in sides]
    spreads = [spread or max(spreads) for spread in spreads]
    made = [
        rng.normal(mean * (place == 0), spread, len(side))
        for place, (side, spread) in enumerate(zip(sides, spreads, strict=True))
    ]
    if contrast.votes:
        votes = tuple(
            {model: Interval(float(value), None, None, 1) for model, value in zip(of, side, strict=True)}
            for of, side in zip(contrast.votes, made, strict=True)
        )
        return replace(contrast, votes=votes)
    if contrast.sides:
        seeds = dict(zip(contrast.seeds, made[0] - made[1], strict=True))
        return replace(contrast, sides=(tuple(made[0]), tuple(made[1])), seeds=seeds)
    return replace(contrast, seeds=dict(zip(contrast.seeds, made[0], strict=True)))


def is_false(scenario: str, found: Sequence[Judgement]) -> bool:
    """Whether some verdict is false; what is decided by its sign is as observed, and not counted."""
    false: set[Word] = {"contradicted", "no difference"} if scenario == "bound" else {"supported", "contradicted"}
    return any(
        one.verdict in false
        for place, one in enumerate(found)
        if one.p is not None
        and not (scenario == "half" and has_effect(place))
        and not (scenario == "bound" and one.margin is None)
    )


def power(claims: Claims, tables: int, rng: np.random.Generator) -> None:
    counts = [Counter[str]() for _ in claims]
    for _ in range(tables):
        for count, one in zip(counts, simulated(claims, "observed", rng), strict=True):
            count[one.verdict] += 1
    for claim, count in zip(CATALOGUE, counts, strict=True):
        shares = ", ".join(f"{word} {of / tables:.0%}" for word, of in count.most_common())
        print(f"{claim.id}, at the effects observed: {shares}")


def coverage(models: int, tables: int, rng: np.random.Generator, seeds: int = 3, within: float = 0.3) -> str:
    """True coverage of three intervals of a family's mean, with a spread of 1 between its models."""
    means = rng.normal(size=(tables, models, 1)) + within * rng.normal(size=(tables, models, seeds))
    t = np.mean([holds(student_t(one.mean(axis=1))) for one in means])
    flat = np.mean([holds(student_t(one.ravel())) for one in means])
    boot = np.mean([resampled(one, rng) for one in means])
    return f"t over models {t:.1%}, bootstrap of models and seeds {boot:.1%}, t over all seeds {flat:.1%}"


def holds(interval: Interval) -> bool:
    return interval.low is not None and interval.high is not None and interval.low <= 0 <= interval.high


def resampled(values: NDArray[np.float64], rng: np.random.Generator, draws: int = 300) -> bool:
    """Whether the percentile interval of a hierarchical bootstrap holds the true mean 0."""
    models, seeds = values.shape
    chosen = rng.integers(models, size=(draws, models, 1))
    means = values[chosen, rng.integers(seeds, size=(draws, models, seeds))].mean(axis=(1, 2))
    low, high = np.quantile(means, [0.025, 0.975])
    return bool(low <= 0 <= high)


if __name__ == "__main__":
    main()
