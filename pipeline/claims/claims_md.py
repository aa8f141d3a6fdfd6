"""All claims with their verdicts, written as claims.json and claims.md."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pipeline import paths
from pipeline.claims import (
    autoencoders,
    coverage,
    likelihoods,
    objectives,
    rank_correlation,
    richer_conditions,
    rule,
    speed,
)
from pipeline.claims.claim import Claim
from pipeline.claims.contrast import Contrast
from pipeline.claims.rule import ContrastTest, Judgement
from pipeline.results.table import Results
from pipeline.statistics.intervals import Interval

CATALOGUE: tuple[Claim, ...] = tuple(
    claim
    for topic in (likelihoods, speed, coverage, objectives, autoencoders, richer_conditions, rank_correlation)
    for claim in topic.CLAIMS
)
JSON, MARKDOWN = (paths.RESULTS.with_name(f"claims.{end}") for end in ("json", "md"))

HEAD = f"""# Claims of the textbooks, tested on the results

A verdict follows one rule, the same for every claim. A claim names contrasts, positive if as claimed. A sentence on
families has one number for each model, its mean over training seeds, and its intervals are over models; a sentence on
one or two models has one number for each seed. **Supported**: every contrast is above 0. **Contradicted**: some
contrast is below 0. **No difference**: some contrast is smaller than the claim's equivalence bound, either way.
**Undecided**: all else, with the reason: too few seeds or models to tell, the slack of a bound, blind metrics, or cells
that are not measured. Tests are t tests with Holm's correction over all claims: false verdicts in at most
{rule.ALPHA:.0%} of benchmarks without any effect. Intervals are at 95 %, without the correction. A contrast of a metric
that does not distinguish the controls of its task is set aside, with the reason. A contrast of bounds decides only
where the slack of the bounds cannot have made its sign. Counts, which have no noise, and theorems decide by their sign.
A training that had not converged is left out by name, and so is a seed that a cell of a contrast lacks. Rules have
changed after results were seen: [each change, with the verdicts before and after](../docs/rule-changes.md). These are
small tasks and short trainings: what is contradicted here may hold elsewhere.
"""

Judged = Sequence[tuple[Claim, Judgement]]


def judged(results: Results, catalogue: Sequence[Claim] = CATALOGUE) -> Judged:
    found = rule.judge_all([(list(claim.contrasts(results)), claim.margin) for claim in catalogue])
    return list(zip(catalogue, found, strict=True))


def as_json(found: Judged, figures: Collection[str]) -> str:
    """`figures`: the names of the pictures that exist."""
    return json.dumps(records(found, figures), indent=2, ensure_ascii=False) + "\n"


def records(found: Judged, figures: Collection[str] = ()) -> list[Mapping[str, Any]]:
    """The claims of claims.json."""
    return [_record(*one, figures) for one in found]


def _record(claim: Claim, found: Judgement, figures: Collection[str]) -> Mapping[str, Any]:
    weakest = found.weakest
    return {
        "id": claim.id, "statement": claim.statement, "short": claim.short,
        "metric": claim.metric, "groups": list(claim.groups),
        "test": rule.TEST, "effect": _effect(weakest), "interval": _ends(weakest), "verdict": found.verdict,
        "reason": found.reason, "margin": claim.margin, "p": _p(found.p), "p_holm": _p(found.p_holm),
        "missing": list(found.missing), "inconclusive": list(found.inconclusive),
        "figure": claim.figure if claim.figure in figures else None,
        "contrasts": [_contrast(one) for one in found.findings],
        "set_aside": [_contrast(one) | {"reason": one.contrast.blind} for one in found.aside],
    }  # fmt: skip


def _contrast(finding: ContrastTest) -> dict[str, Any]:
    contrast = finding.contrast
    return {
        "name": contrast.name, "effect": _effect(finding), "interval": _ends(finding),
        "unit": contrast.unit, "units": list(contrast.counts), "scale": "log" if contrast.ratio else "linear",
        "models": {model: _vote(vote) for votes in contrast.votes for model, vote in votes.items()},
        "left_out": list(contrast.left_out),
        "can_support": contrast.can_support, "can_contradict": contrast.can_contradict,
    }  # fmt: skip


def _vote(vote: Interval) -> dict[str, Any]:
    ends = None if vote.low is None or vote.high is None else [_digits(vote.low), _digits(vote.high)]
    return {"mean": _digits(vote.mean), "interval": ends, "seeds": vote.n}


def _p(value: float | None) -> float | None:
    return None if value is None else _digits(value)


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
    lines = [text for f in found.findings if f.interval for text in (f"- {line(f.contrast, f.interval)}", *_votes(f))]
    lines += [f"- {note}" for note in notes(found)]
    items = "".join(f"{line}\n" for line in lines)
    head = f"## {claim.id}: {verdict(found)}"
    return f"{head}\n\n{claim.statement}\n\n{significance(claim, found)}\n\n{picture}{items}"


def verdict(found: Judgement) -> str:
    """'undecided, too few models'"""
    return ", ".join(filter(None, (found.verdict, found.reason)))


def significance(claim: Claim, found: Judgement) -> str:
    """'p = 0.3, corrected over all claims; equivalence bound 0.1.'"""
    p = "Not tested" if found.p_holm is None else f"p = {found.p_holm:.2g}, corrected over all claims"
    if any(finding.contrast.by_sign for finding in found.findings):
        p = "By the sign"
    bound = f"; equivalence bound {claim.margin:g}{' times' * _is_ratio(found)}" if claim.margin else ""
    return f"{p}{bound}."


def _is_ratio(found: Judgement) -> bool:
    return any(finding.contrast.ratio for finding in (*found.findings, *found.aside))


def _votes(finding: ContrastTest) -> list[str]:
    """The vote of each model with its interval over seeds, one line for each side."""
    return [f"  - {', '.join(f'{m} {_interval(vote)}' for m, vote in of.items())}" for of in finding.contrast.votes]


def _interval(vote: Interval) -> str:
    if vote.low is None or vote.high is None:
        return f"{vote.mean:.3g}"
    return f"{vote.mean:.3g} [{vote.low:.3g}, {vote.high:.3g}]"


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
    """'grid, modes hit, ddpm - gan: 4.1 [2.0, 6.2] (3 seeds)'; of families '(7 and 10 models)'"""
    ends = (interval.mean, interval.low, interval.high)
    mean, low, high = (None if e is None else math.exp(e) if contrast.ratio else e for e in ends)
    spread = "" if low is None or high is None else f" [{low:.3g}, {high:.3g}]"
    times, counts = " times" if contrast.ratio else "", contrast.counts
    units = f"{' and '.join(map(str, counts))} {contrast.unit}{'s' * (counts != (1,))}"
    return f"{contrast.name}: {mean:.3g}{times}{spread} ({units})"
