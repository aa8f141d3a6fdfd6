"""From contrasts to a verdict, by a rule that is the same for every claim.

    supported       of every contrast the 95 % t interval over at least two seeds lies above 0
    contradicted    of some contrast the t interval at the level 1 - .05 / contrasts lies below 0
    undecided       all else: one seed, seeds that agree to the last digit, an interval that holds 0, cells that are not
                    measured

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
from pipeline.metrics.interval import Interval, student_t

Word = Literal["supported", "contradicted", "undecided"]
ALPHA = 0.05
TEST = "Student's t over training seeds, paired; each contrast at 95 % for, at 1 - .05 / contrasts against"
ONE_SEED = "one seed: training noise unknown"
NO_SPREAD = "the seeds agree to the last digit, so that there is no spread to test by"
ROUNDING = 1e-9
"""Of the mean: an interval narrower than this is that of floating-point numbers."""


@dataclass(frozen=True)
class Finding:
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
        return self.interval is not None and self.low > 0 and _told(self.interval)

    @property
    def below(self) -> bool:
        strict = self.strict
        return strict is not None and strict.high is not None and strict.high < 0 and _told(strict)


@dataclass(frozen=True)
class Judgement:
    verdict: Word
    findings: tuple[Finding, ...]
    missing: tuple[str, ...]

    @property
    def weakest(self) -> Finding:
        against = [finding for finding in self.findings if finding.below]
        return min(against or self.findings, key=lambda finding: finding.low)


def judge(contrasts: Sequence[Contrast]) -> Judgement:
    """Raises ValueError without a contrast: a claim that compares nothing is none."""
    if not contrasts:
        raise ValueError("a claim needs a contrast")
    findings = weigh(contrasts)
    missing = tuple(what for f in findings for what in (f.contrast.missing or _untested(f)))
    return Judgement(_word(findings, missing), findings, missing)


def weigh(contrasts: Sequence[Contrast]) -> tuple[Finding, ...]:
    """Each contrast with its intervals."""
    strict = 1 - ALPHA / max(1, len(contrasts))
    return tuple(Finding(c, _interval(c, 1 - ALPHA), _interval(c, strict)) for c in contrasts)


def _word(findings: Sequence[Finding], missing: Sequence[str]) -> Word:
    if any(finding.below for finding in findings):
        return "contradicted"
    return "undecided" if missing or not all(finding.above for finding in findings) else "supported"


def _interval(contrast: Contrast, level: float) -> Interval | None:
    return student_t(list(contrast.seeds.values()), level) if contrast.seeds else None


def _untested(finding: Finding) -> tuple[str, ...]:
    """What keeps a contrast from being tested: one seed, or a difference without any spread."""
    interval, name = finding.interval, finding.contrast.name
    if interval is None or (not interval.mean and interval.n > 1):
        return ()
    if interval.n == 1:
        return (f"{name}: {ONE_SEED}",)
    return () if _told(interval) else (f"{name}: {NO_SPREAD}",)


def _told(interval: Interval) -> bool:
    """Whether it is one of values that differ, or of a single one."""
    return interval.low is None or interval.high is None or interval.high - interval.low > ROUNDING * abs(interval.mean)
