"""All claims with their verdicts, written as claims.json and claims.md."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pipeline import paths
from pipeline.claims import autoencoders, coverage, likelihoods, rank_correlation, richer_conditions, rule, speed
from pipeline.claims.claim import Claim
from pipeline.claims.contrast import Contrast
from pipeline.claims.rule import ContrastTest, Judgement
from pipeline.results.table import Results
from pipeline.statistics.intervals import Interval

CATALOGUE: tuple[Claim, ...] = tuple(
    claim
    for topic in (likelihoods, speed, coverage, autoencoders, richer_conditions, rank_correlation)
    for claim in topic.CLAIMS
)
JSON, MARKDOWN = (paths.RESULTS.with_name(f"claims.{end}") for end in ("json", "md"))

HEAD = f"""# Claims of the textbooks, tested on the results

A verdict follows one rule, the same for every claim. A claim names contrasts, one number for each
training seed, positive if as claimed. **Supported**: the 95 % t interval of every contrast lies above 0.
**Contradicted**: that of some contrast, at the level 1 - {rule.ALPHA} / contrasts, lies below 0. **Undecided**: all
else. A contrast of a metric that does not distinguish the controls of its task is set aside, with the reason. A
contrast of bounds decides only where the slack of the bounds cannot have made its sign. A contrast of counts, which
have no noise, decides by its sign. A seed that a cell of a contrast lacks is left out of it, and named. Rules have
changed after results were seen:
[each change, with the verdicts before and after](../docs/rule-changes.md). These are small tasks and short trainings:
what is contradicted here may hold elsewhere.
"""

Judged = Sequence[tuple[Claim, Judgement]]


def judged(results: Results, catalogue: Sequence[Claim] = CATALOGUE) -> Judged:
    return [(claim, rule.judge(list(claim.contrasts(results)))) for claim in catalogue]


def as_json(found: Judged, figures: Collection[str]) -> str:
    """`figures`: the names of the pictures that exist."""
    return json.dumps([_record(*one, figures) for one in found], indent=2, ensure_ascii=False) + "\n"


def _record(claim: Claim, found: Judgement, figures: Collection[str]) -> Mapping[str, Any]:
    weakest = found.weakest
    return {
        "id": claim.id, "statement": claim.statement, "metric": claim.metric, "groups": list(claim.groups),
        "test": rule.TEST, "effect": _effect(weakest), "interval": _ends(weakest), "verdict": found.verdict,
        "missing": list(found.missing), "inconclusive": list(found.inconclusive),
        "figure": claim.figure if claim.figure in figures else None,
        "contrasts": [_contrast(one) for one in found.findings],
        "set_aside": [_contrast(one) | {"reason": one.contrast.blind} for one in found.aside],
    }  # fmt: skip


def _contrast(finding: ContrastTest) -> dict[str, Any]:
    contrast = finding.contrast
    return {
        "name": contrast.name, "effect": _effect(finding), "interval": _ends(finding),
        "seeds": len(contrast.seeds), "scale": "log" if contrast.ratio else "linear",
        "left_out": list(contrast.left_out),
        "can_support": contrast.can_support, "can_contradict": contrast.can_contradict,
    }  # fmt: skip


def _effect(finding: ContrastTest | None) -> float | None:
    return None if finding is None or finding.interval is None else _digits(finding.interval.mean)


def _ends(finding: ContrastTest | None) -> list[float] | None:
    i = None if finding is None else finding.interval
    return None if i is None or i.low is None or i.high is None else [_digits(i.low), _digits(i.high)]


def _digits(value: float) -> float:
    return float(f"{value:.6g}")


def as_markdown(found: Judged, figures: Collection[str]) -> str:
    return "\n".join([HEAD, *(_section(*one, figures) for one in found)])


def _section(claim: Claim, found: Judgement, figures: Collection[str]) -> str:
    picture = f"![{claim.id}](figures/{claim.figure})\n\n" if claim.figure in figures else ""
    lines = [line(f.contrast, f.interval) for f in found.findings if f.interval]
    lines += notes(found)
    items = "".join(f"- {line}\n" for line in lines)
    return f"## {claim.id}: {found.verdict}\n\n{claim.statement}\n\n{picture}{items}"


def notes(found: Judgement) -> list[str]:
    """What is not measured or not conclusive, the contrasts set aside by reason, the seeds left out, and remarks."""
    aside: dict[str, list[str]] = {}
    for finding in found.aside:
        aside.setdefault(finding.contrast.blind, []).append(finding.contrast.name)
    return [
        *(f"missing: {what}" for what in found.missing),
        *(f"not conclusive: {name}: {rule.SLACK}" for name in found.inconclusive),
        *(f"set aside, since {reason}: {'; '.join(names)}" for reason, names in aside.items()),
        *(f"{f.contrast.name}: {what}" for f in found.findings for what in f.contrast.left_out),
        *(f"{f.contrast.name}: {f.contrast.remark}" for f in found.findings if f.contrast.remark),
    ]


def line(contrast: Contrast, interval: Interval) -> str:
    """'grid, modes hit, likelihood models - gan: 4.1 [2.0, 6.2] (3 seeds)'"""
    ends = (interval.mean, interval.low, interval.high)
    mean, low, high = (None if e is None else math.exp(e) if contrast.ratio else e for e in ends)
    spread = "" if low is None or high is None else f" [{low:.3g}, {high:.3g}]"
    times, n = " times" if contrast.ratio else "", interval.n
    return f"{contrast.name}: {mean:.3g}{times}{spread} ({n} seed{'s' * (n > 1)})"
