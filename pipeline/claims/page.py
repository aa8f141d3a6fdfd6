"""The verdicts on file: claims.json for machines, claims.md for readers."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from pipeline import paths
from pipeline.claims import rule
from pipeline.claims.catalogue import CATALOGUE
from pipeline.claims.claim import Claim
from pipeline.claims.results import Results
from pipeline.claims.rule import Finding, Judgement

JSON, MARKDOWN = (paths.RESULTS.with_name(f"claims.{end}") for end in ("json", "md"))

HEAD = f"""# What the textbook says, and what was measured

A verdict follows one rule, the same for every claim. A claim names contrasts, one number for each
training seed, positive if as claimed. **Supported**: the 95 % t interval of every contrast lies above 0.
**Contradicted**: that of some contrast, at the level 1 - {rule.ALPHA} / contrasts, lies below 0. **Undecided**: all
else. These are small tasks and short trainings: what is contradicted here may hold elsewhere.
"""

Judged = Sequence[tuple[Claim, Judgement]]


def judged(results: Results, catalogue: Sequence[Claim] = CATALOGUE) -> Judged:
    return [(claim, rule.judge(list(claim.contrasts(results)))) for claim in catalogue]


def as_json(found: Judged, figures: Collection[str]) -> str:
    """`figures`: the names of the pictures that are there."""
    return json.dumps([_record(*one, figures) for one in found], indent=2, ensure_ascii=False) + "\n"


def _record(claim: Claim, found: Judgement, figures: Collection[str]) -> Mapping[str, Any]:
    weakest = found.weakest
    return {
        "id": claim.id, "statement": claim.statement, "metric": claim.metric, "groups": list(claim.groups),
        "test": rule.TEST, "effect": _effect(weakest), "interval": _ends(weakest), "verdict": found.verdict,
        "missing": list(found.missing), "figure": claim.figure if claim.figure in figures else None,
        "contrasts": [
            {"name": one.contrast.name, "effect": _effect(one), "interval": _ends(one),
             "seeds": len(one.contrast.seeds), "scale": "log" if one.contrast.ratio else "linear"}
            for one in found.findings
        ],
    }  # fmt: skip


def _effect(finding: Finding) -> float | None:
    return None if finding.interval is None else _digits(finding.interval.mean)


def _ends(finding: Finding) -> list[float] | None:
    i = finding.interval
    return None if i is None or i.low is None or i.high is None else [_digits(i.low), _digits(i.high)]


def _digits(value: float) -> float:
    return float(f"{value:.6g}")


def as_markdown(found: Judged, figures: Collection[str]) -> str:
    return "\n".join([HEAD, *(_section(*one, figures) for one in found)])


def _section(claim: Claim, found: Judgement, figures: Collection[str]) -> str:
    picture = f"![{claim.id}](figures/{claim.figure})\n\n" if claim.figure in figures else ""
    return f"## {claim.id}: {found.verdict}\n\n{claim.statement}\n\n{picture}" + "".join(
        f"- {line}\n" for line in (*map(_line, (f for f in found.findings if f.interval)), *_missing(found))
    )


def _line(finding: Finding) -> str:
    """'grid, modes hit, likelihood models - gan: 4.1 [2.0, 6.2] (3 seeds)'"""
    i, contrast = finding.interval, finding.contrast
    assert i is not None
    ends = (i.mean, i.low, i.high)
    mean, low, high = (None if e is None else math.exp(e) if contrast.ratio else e for e in ends)
    spread = "" if low is None or high is None else f" [{low:.3g}, {high:.3g}]"
    times = " times" if contrast.ratio else ""
    return f"{contrast.name}: {mean:.3g}{times}{spread} ({i.n} seed{'s' * (i.n > 1)})"


def _missing(found: Judgement) -> Iterator[str]:
    for what in found.missing:
        yield f"missing: {what}"
