"""From contrasts to a verdict, by a rule that is the same for every claim.

    supported       of every contrast that counts the 95 % t interval over at least two seeds lies above 0, and each
                    part of the sentence has such a contrast
    contradicted    of some contrast the t interval at the level 1 - .05 / m lies below 0, with m the number of
                    contrasts that can contradict
    undecided       all else: one seed, seeds that agree to the last digit, an interval that holds 0, a sign that may be
                    that of a bound's slack, cells that are not measured, a part whose contrasts are all set aside

Counts, as of operations, have no noise: a contrast of counts supports or contradicts by its sign, which all seeds have
to share; one seed suffices.

A contrast that a blind metric enters (`pipeline.statistics.admission`) is set aside before anything is tested: it is
listed with the reason, and counts neither for nor against, nor in m. A contrast of bounds counts, and decides only in
the direction that the slack of the bounds leaves open (`contrast`).

"Supported" needs every contrast, so that it keeps its level without a correction (an intersection-union test, Berger
1982, Technometrics 24); "contradicted" needs one of several, hence Bonferroni's. Effect and interval are those of the
contrast that decides: the one with the lowest lower end, of those that contradict if any does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.claims.contrast import Contrast
from pipeline.statistics.intervals import Interval, student_t, welch

Word = Literal["supported", "contradicted", "undecided"]
ALPHA = 0.05
TEST = (
    "t over training seeds, paired within a model, Welch's between models; each contrast at 95 % for, "
    "at 1 - .05 / contrasts against; counts by their sign"
)
ONE_SEED = "one seed: training noise unknown"
NO_SPREAD = "the seeds agree to the last digit, so that there is no spread to test by"
SLACK = "the sign may be that of the slack of a bound"
ROUNDING = 1e-9
"""Of the mean: an interval narrower than this is that of floating-point numbers."""


@dataclass(frozen=True)
class ContrastTest:
    """One contrast. `interval`: at 95 %; `strict`: at Bonferroni's level; None where no seed has both sides."""

    contrast: Contrast
    interval: Interval | None
    strict: Interval | None

    @property
    def decided(self) -> bool:
        """Whether there are seeds enough for an interval."""
        return self.interval is not None and self.interval.n > 1

    @property
    def low(self) -> float:
        """The lower end, the mean of one seed; no interval decides later than any."""
        if self.interval is None:
            return math.inf
        return self.interval.mean if self.interval.low is None else self.interval.low

    @property
    def above(self) -> bool:
        """Whether it supports."""
        return self.contrast.can_support and self._is_positive

    @property
    def below(self) -> bool:
        """Whether it contradicts."""
        return self.contrast.can_contradict and self._is_negative

    @property
    def inconclusive(self) -> bool:
        """Whether its sign is clear, and may be that of a bound's slack."""
        excess = self.contrast.excess
        return (self._is_positive and 1 in excess) or (self._is_negative and -1 in excess)

    @property
    def _is_positive(self) -> bool:
        if self.contrast.counted:
            return bool(self.contrast.seeds) and min(self.contrast.seeds.values()) > 0
        return self.interval is not None and self.low > 0 and _has_spread(self.interval)

    @property
    def _is_negative(self) -> bool:
        if self.contrast.counted:
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
    """

    verdict: Word
    findings: tuple[ContrastTest, ...]
    missing: tuple[str, ...]
    inconclusive: tuple[str, ...] = ()
    aside: tuple[ContrastTest, ...] = ()

    @property
    def weakest(self) -> ContrastTest | None:
        """The contrast that decides; None where all are set aside."""
        against = [finding for finding in self.findings if finding.below]
        return min(against or self.findings, key=lambda finding: finding.low, default=None)


def judge(contrasts: Sequence[Contrast]) -> Judgement:
    """Judge a claim by its contrasts.

    Raises:
        ValueError: there is no contrast.
    """
    if not contrasts:
        raise ValueError("a claim needs a contrast")
    findings = weigh([contrast for contrast in contrasts if not contrast.blind])
    aside = tuple(weigh([contrast for contrast in contrasts if contrast.blind]))
    missing = (
        *(what for f in findings for what in (f.contrast.missing or _untested(f))),
        *_empty_parts(contrasts),
    )
    inconclusive = tuple(finding.contrast.name for finding in findings if finding.inconclusive)
    return Judgement(_word(findings, missing), findings, missing, inconclusive, aside)


def weigh(contrasts: Sequence[Contrast]) -> tuple[ContrastTest, ...]:
    """Each contrast with its intervals."""
    strict = 1 - ALPHA / max(1, sum(contrast.can_contradict for contrast in contrasts))
    return tuple(ContrastTest(c, _interval(c, 1 - ALPHA), _interval(c, strict)) for c in contrasts)


def _empty_parts(contrasts: Sequence[Contrast]) -> list[str]:
    """The parts of the sentence whose contrasts are all set aside."""
    parts = dict.fromkeys(contrast.part for contrast in contrasts)
    empty = [part for part in parts if all(contrast.blind for contrast in contrasts if contrast.part == part)]
    return [f"no contrast of {part or 'the claim'} is left: all are set aside" for part in empty]


def _word(findings: Sequence[ContrastTest], missing: Sequence[str]) -> Word:
    if any(finding.below for finding in findings):
        return "contradicted"
    return "undecided" if missing or not all(finding.above for finding in findings) else "supported"


def _interval(contrast: Contrast, level: float) -> Interval | None:
    if not contrast.seeds:
        return None
    return welch(*contrast.sides, level) if contrast.sides else student_t(list(contrast.seeds.values()), level)


def _untested(finding: ContrastTest) -> tuple[str, ...]:
    """What keeps a contrast from being tested: one seed, or a difference without any spread."""
    interval, name = finding.interval, finding.contrast.name
    if interval is None or finding.contrast.counted or (not interval.mean and interval.n > 1):
        return ()
    if interval.n == 1:
        return (f"{name}: {ONE_SEED}",)
    return () if _has_spread(interval) else (f"{name}: {NO_SPREAD}",)


def _has_spread(interval: Interval) -> bool:
    """Whether it is one of values that differ, or of a single one."""
    return interval.low is None or interval.high is None or interval.high - interval.low > ROUNDING * abs(interval.mean)
