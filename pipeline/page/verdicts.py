"""The claims as a reader meets them: verdict first, then the effect and the interval of each contrast."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple, get_args

from pipeline.claims.claim import Claim
from pipeline.claims.claims_md import Judged, line, notes
from pipeline.claims.rule import Finding, Judgement, Word

SIGNS: dict[Word, str] = {"supported": "✓", "contradicted": "✗", "undecided": "?"}


class Verdict(NamedTuple):
    """`decisive`: the contrast with the lowest lower end; `contrasts`: all measured ones; `notes`: what they lack, and
    which contrasts are set aside."""

    key: str
    statement: str
    metric: str
    word: Word
    sign: str
    decisive: str
    contrasts: list[str]
    notes: list[str]


def verdicts(found: Judged) -> list[Verdict]:
    return [_verdict(claim, judgement) for claim, judgement in found]


def counts(found: Iterable[Verdict]) -> list[tuple[Word, str, int]]:
    """(word, its sign, how many claims have it)."""
    counted = Counter(verdict.word for verdict in found)
    return [(word, SIGNS[word], counted[word]) for word in get_args(Word)]


def _verdict(claim: Claim, found: Judgement) -> Verdict:
    contrasts = [_line(finding) for finding in found.findings if finding.interval]
    decisive = _decisive(found)
    return Verdict(
        claim.id, claim.statement, claim.metric, found.verdict, SIGNS[found.verdict], decisive, contrasts,
        notes(found),
    )  # fmt: skip


def _decisive(found: Judgement) -> str:
    weakest = found.weakest
    if weakest is None:
        return "every contrast is set aside"
    return _line(weakest) if weakest.interval else "nothing measured yet"


def _line(finding: Finding) -> str:
    return line(finding.contrast, finding.interval) if finding.interval else finding.contrast.name
