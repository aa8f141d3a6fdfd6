"""Do richer conditions lower a model's bits/dim? By the rule of every claim (`pipeline.claims.rule`), drop by drop.

supported       at each rung bits/dim is below the rung before, and the 95 % t interval of each of these drops,
                paired over at least two seeds, lies above 0
contradicted    at some rung it is above the rung before, and the t interval of that drop, paired over at least
                two seeds, at the level 1 - .05 / drops, lies below 0
undecided       all else: one seed, an interval that holds 0, a seed that diverged or is not measured
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple, get_args

from pipeline.claims.contrast import difference
from pipeline.claims.rule import ONE_SEED, Finding, Word, weigh
from pipeline.metrics.interval import Interval
from pipeline.report.ladder import Climber, Ladder


class Verdict(NamedTuple):
    word: Word
    reason: str = ""


def verdict(climber: Climber, labels: Sequence[str]) -> Verdict:
    """By the rule above; `labels`: the rungs' names."""
    drops = _drops(climber, labels)
    if climber.missing:
        return Verdict("undecided", ", ".join(climber.missing))
    if risen := [drop for drop in drops if drop.below]:
        return Verdict("contradicted", _spelt((drop.contrast.name, drop.strict) for drop in risen))
    if not all(drop.decided for drop in drops):
        return Verdict("undecided", f"{ONE_SEED}; {_order(drops)}")
    if unsure := [drop for drop in drops if not drop.above]:
        return Verdict("undecided", _spelt((drop.contrast.name, drop.interval) for drop in unsure))
    return Verdict("supported")


def sentence(ladder: Ladder) -> str:
    """'Richer conditions lower bits/dim: supported for ddpm, glow; undecided for vae (...).' Empty without bits."""
    found = [(c.model, verdict(c, ladder.labels)) for c in ladder.climbers if c.weighed]
    parts = (
        f"{word} for {', '.join(_named(model, v.reason) for model, v in found if v.word == word)}"
        for word in get_args(Word)
        if any(v.word == word for _, v in found)
    )
    return f"**Richer conditions lower bits/dim**: {'; '.join(parts)}." if found else ""


def _drops(climber: Climber, labels: Sequence[str]) -> tuple[Finding, ...]:
    """From each of the model's rungs to its next."""
    rungs = [(label, bits) for label, bits in zip(labels, climber.bits, strict=True) if bits]
    pairs = pairwise(rungs)
    return weigh([difference(f"{label} to {richer}", before, after) for (label, before), (richer, after) in pairs])


def _order(drops: Iterable[Finding]) -> str:
    """What the means say, where there is no telling from noise."""
    others = [drop.contrast.name for drop in drops if not drop.above]
    return f"bits/dim does not fall from {', '.join(others)}" if others else "bits/dim falls at each rung"


def _spelt(drops: Iterable[tuple[str, Interval | None]]) -> str:
    """'drop from class to box: 0.0010 [-0.0020, 0.0040]'"""
    return ", ".join(f"drop from {name}: {d.mean:.4f} [{d.low:.4f}, {d.high:.4f}]" for name, d in drops if d)


def _named(model: str, reason: str) -> str:
    return f"{model} ({reason})" if reason else model
