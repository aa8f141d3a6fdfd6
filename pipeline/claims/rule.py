"""From contrasts to verdicts, by a rule that is the same for every claim.

Of each contrast theta_k that counts there are three one-sided t tests: that theta_k > 0, that theta_k < 0, and, with
the claim's equivalence bound d, that |theta_k| < d (two one-sided tests). With m contrasts a claim has the p-values

    supported        p+ = max_k p(theta_k > 0)            the sentence is of every contrast (an intersection-union test,
                                                          Berger 1982, Technometrics 24)
    contradicted     p- = m min_k p(theta_k < 0)          one contrast suffices, hence Bonferroni's factor
    no difference    p0 = m min_k p(|theta_k| < d)        of that size, in one of the contrasts

At most two of the three null hypotheses are true at once, so that 2 min(p+, p-, p0) is a p-value of a false verdict.
Holm's correction (1979, Scand. J. Statist. 6) is taken over these p-values of all claims together: in at most 5 % of
benchmarks in which no claim has an effect some claim gets a false verdict. `benchmarks/claims_power.py` measures that
rate, and the power. What passes more than one test is supported, or contradicted, before it is "no difference".

All else is *undecided*, with the first reason that applies:

    not measured      a contrast without cells, a training that did not converge included
    blind metrics     a part of the sentence whose contrasts are all set aside
    slack of a bound  a sign that is clear, and may be that of a bound's slack
    too few models    the intervals hold both 0 and the bound, and the unit of the widest is the model
    too few seeds     the same, where it is the training seed

The unit of replication is the seed for a sentence on two models or on one, and the model for a sentence on families
(`contrast`). Counts, as of operations, have no noise, and the sign of a theorem is the same in every training: such a
contrast supports or contradicts by its sign, which all seeds have to share. A claim without a test, as one of counts
alone, takes no part in the correction.

A contrast that a blind metric enters (`pipeline.statistics.admission`) is set aside before anything is tested: it is
listed with the reason, and counts neither for nor against, nor in m. A contrast of bounds counts, and decides only in
the direction that the slack of the bounds leaves open (`contrast`). The interval of a contrast is shown at 95 %,
without the correction. Effect and interval of a claim are those of the contrast that decides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pipeline.claims.contrast import Contrast
from pipeline.statistics.intervals import Interval, TEstimate, student_t, welch

Word = Literal["supported", "contradicted", "no difference", "undecided"]
Reason = Literal["", "not measured", "blind metrics", "slack of a bound", "too few models", "too few seeds"]
ALPHA = 0.05
DIRECTIONS = 2
"""The number of a claim's three null hypotheses that can be true at once."""
TEST = (
    "t over models for families, over training seeds for single models, paired within a model, Welch's between; "
    "Holm's correction over all claims; counts and theorems by their sign"
)
ONE_SEED = "one seed: training noise unknown"
ONE_MODEL = "one model: how much models of the family differ is unknown"
NO_SPREAD = "the seeds agree to the last digit, so that there is no spread to test by"
SLACK = "the sign may be that of the slack of a bound"
ROUNDING = 1e-9
"""Of the mean: an interval narrower than this is that of floating-point numbers."""


@dataclass(frozen=True)
class ContrastTest:
    """One contrast. `interval`: at 95 %; `strict`: at Bonferroni's level; None where no unit has both sides."""

    contrast: Contrast
    interval: Interval | None
    strict: Interval | None
    estimate: TEstimate | None = None
    """None where there are no two units on each side, or no spread."""

    @property
    def decided(self) -> bool:
        """Whether there are units enough for an interval."""
        return self.interval is not None and self.interval.low is not None

    @property
    def low(self) -> float:
        """The lower end, the mean of one unit; no interval decides later than any."""
        if self.interval is None:
            return math.inf
        return self.interval.mean if self.interval.low is None else self.interval.low

    @property
    def above(self) -> bool:
        """Whether its interval lies above 0, and bounds allow to say so."""
        return self.contrast.can_support and self._is_positive

    @property
    def below(self) -> bool:
        """Whether its strict interval lies below 0, and bounds allow to say so."""
        return self.contrast.can_contradict and self._is_negative

    @property
    def inconclusive(self) -> bool:
        """Whether its sign is clear, and may be that of a bound's slack."""
        excess = self.contrast.excess
        return (self._is_positive and 1 in excess) or (self._is_negative and -1 in excess)

    @property
    def p_above(self) -> float:
        """Of "the true value is positive"."""
        if self.contrast.by_sign:
            return 0.0 if self.above else 1.0
        return self.estimate.p_above() if self.estimate and self.contrast.can_support else 1.0

    @property
    def p_below(self) -> float:
        """Of "the true value is negative"."""
        if self.contrast.by_sign:
            return 0.0 if self.below else 1.0
        return self.estimate.p_below() if self.estimate and self.contrast.can_contradict else 1.0

    def p_within(self, margin: float | None) -> float:
        """Of "the true value is smaller than the bound, either way"; bounds of a likelihood cannot tell."""
        if margin is None or self.estimate is None or self.contrast.by_sign or self.contrast.excess:
            return 1.0
        return self.estimate.p_within(math.log(margin) if self.contrast.ratio else margin)

    @property
    def _is_positive(self) -> bool:
        if self.contrast.by_sign:
            return bool(self.contrast.seeds) and min(self.contrast.seeds.values()) > 0
        return self.interval is not None and self.low > 0 and _has_spread(self.interval)

    @property
    def _is_negative(self) -> bool:
        if self.contrast.by_sign:
            return bool(self.contrast.seeds) and max(self.contrast.seeds.values()) < 0
        strict = self.strict
        return strict is not None and strict.high is not None and strict.high < 0 and _has_spread(strict)


@dataclass(frozen=True)
class Judgement:
    """A verdict and what it rests on.

    Attributes:
        verdict: the word.
        findings: the contrasts that count.
        missing: what would have to be measured, or measured otherwise, before the claim can be supported.
        inconclusive: the contrasts whose sign may be that of the slack of a bound.
        aside: the contrasts that are set aside, since a metric of theirs is blind.
        reason: why it is undecided; empty otherwise.
        margin: the equivalence bound.
        p: of a false verdict, before the correction over claims; None where no contrast is tested.
        p_holm: after it.
    """

    verdict: Word
    findings: tuple[ContrastTest, ...]
    missing: tuple[str, ...]
    inconclusive: tuple[str, ...] = ()
    aside: tuple[ContrastTest, ...] = ()
    reason: Reason = ""
    margin: float | None = None
    p: float | None = None
    p_holm: float | None = None

    @property
    def weakest(self) -> ContrastTest | None:
        """The contrast that decides; None where all are set aside."""
        if self.verdict == "contradicted":
            return min(self.findings, key=lambda one: (one.p_below, one.low))
        if self.verdict == "no difference":
            return min(self.findings, key=lambda one: one.p_within(self.margin))
        return max(self.findings, key=lambda one: (one.p_above, -one.low), default=None)

    @property
    def p_supported(self) -> float:
        if self.missing or not self.findings:
            return 1.0
        return max(finding.p_above for finding in self.findings)

    @property
    def p_contradicted(self) -> float:
        return self._bonferroni([f.p_below for f in self.findings if f.contrast.can_contradict])

    @property
    def p_no_difference(self) -> float:
        return self._bonferroni([f.p_within(self.margin) for f in self.findings])

    @staticmethod
    def _bonferroni(p: Sequence[float]) -> float:
        return min(1.0, len(p) * min(p)) if p else 1.0


def judge(contrasts: Sequence[Contrast], margin: float | None = None) -> Judgement:
    """Judge one claim alone.

    Raises:
        ValueError: there is no contrast.
    """
    return judge_all([(contrasts, margin)])[0]


def judge_all(claims: Sequence[tuple[Sequence[Contrast], float | None]]) -> list[Judgement]:
    """Judge all claims together: (contrasts, equivalence bound) of each -> its verdict.

    Raises:
        ValueError: a claim has no contrast.
    """
    found = [_weighed(contrasts, margin) for contrasts, margin in claims]
    tested = sorted((one.p, place) for place, one in enumerate(found) if one.p is not None)
    adjusted, open_ = 0.0, True
    for rank, (p, place) in enumerate(tested):
        level = ALPHA / (len(tested) - rank)
        adjusted = max(adjusted, min(1.0, p * (len(tested) - rank)))
        open_ = open_ and p <= level
        found[place] = _decided(replace(found[place], p_holm=adjusted), level if open_ else 0.0)
    return [_decided(one, ALPHA) if one.p is None else one for one in found]


def weigh(contrasts: Sequence[Contrast]) -> tuple[ContrastTest, ...]:
    """Each contrast with its intervals."""
    strict = 1 - ALPHA / max(1, sum(contrast.can_contradict for contrast in contrasts))
    return tuple(ContrastTest(c, _interval(c, 1 - ALPHA), _interval(c, strict), _estimate(c)) for c in contrasts)


def _weighed(contrasts: Sequence[Contrast], margin: float | None) -> Judgement:
    if not contrasts:
        raise ValueError("a claim needs a contrast")
    findings = weigh([contrast for contrast in contrasts if not contrast.blind])
    aside = tuple(weigh([contrast for contrast in contrasts if contrast.blind]))
    missing = (
        *(what for f in findings for what in (f.contrast.missing or _untested(f))),
        *_empty_parts(contrasts),
    )
    inconclusive = tuple(finding.contrast.name for finding in findings if finding.inconclusive)
    found = Judgement("undecided", findings, missing, inconclusive, aside, margin=margin)
    if not any(finding.estimate and not finding.contrast.by_sign for finding in findings):
        return found
    least = min(found.p_supported, found.p_contradicted, found.p_no_difference)
    return replace(found, p=min(1.0, DIRECTIONS * least))


def _decided(found: Judgement, level: float) -> Judgement:
    """With its verdict at a level of the p-value of a false verdict; nothing is decided at level 0."""
    tests: tuple[tuple[Word, float], ...] = (
        ("supported", found.p_supported),
        ("contradicted", found.p_contradicted),
        ("no difference", found.p_no_difference),
    )
    for word, p in tests:
        if level and DIRECTIONS * p <= level:
            return replace(found, verdict=word)
    return replace(found, reason=_reason(found))


def _reason(found: Judgement) -> Reason:
    contrasts = [finding.contrast for finding in found.findings]
    if any(contrast.missing for contrast in contrasts):
        return "not measured"
    if not found.findings or len(found.missing) > sum(len(_untested(finding)) for finding in found.findings):
        return "blind metrics"
    if found.inconclusive:
        return "slack of a bound"
    widest = found.weakest
    return "too few models" if widest and widest.contrast.unit == "model" else "too few seeds"


def _empty_parts(contrasts: Sequence[Contrast]) -> list[str]:
    """The parts of the sentence whose contrasts are all set aside."""
    parts = dict.fromkeys(contrast.part for contrast in contrasts)
    empty = [part for part in parts if all(contrast.blind for contrast in contrasts if contrast.part == part)]
    return [f"no contrast of {part or 'the claim'} is left: all are set aside" for part in empty]


def _samples(contrast: Contrast) -> tuple[list[float], ...]:
    """The values of one sample, or of two independent ones; without any where a side has none."""
    if contrast.votes:
        samples = tuple([vote.mean for vote in votes.values()] for votes in contrast.votes)
    elif contrast.sides:
        samples = tuple(list(side) for side in contrast.sides)
    else:
        samples = (list(contrast.seeds.values()),)
    return samples if all(samples) else ()


def _interval(contrast: Contrast, level: float) -> Interval | None:
    samples = _samples(contrast)
    if not samples:
        return None
    return welch(samples[0], samples[1], level) if len(samples) == 2 else student_t(samples[0], level)


def _estimate(contrast: Contrast) -> TEstimate | None:
    samples = _samples(contrast)
    if not samples or min(map(len, samples)) < 2:
        return None
    found = TEstimate.between(samples[0], samples[1]) if len(samples) == 2 else TEstimate.of(samples[0])
    return found if found.error > ROUNDING * abs(found.mean) else None


def _untested(finding: ContrastTest) -> tuple[str, ...]:
    """What keeps a contrast from being tested: one unit, or a difference without any spread."""
    interval, contrast = finding.interval, finding.contrast
    if interval is None or contrast.by_sign or (not interval.mean and interval.n > 1):
        return ()
    if interval.n == 1:
        return (f"{contrast.name}: {ONE_MODEL if contrast.votes else ONE_SEED}",)
    return () if _has_spread(interval) else (f"{contrast.name}: {NO_SPREAD}",)


def _has_spread(interval: Interval) -> bool:
    """Whether it is one of values that differ, or of a single one."""
    return interval.low is None or interval.high is None or interval.high - interval.low > ROUNDING * abs(interval.mean)
