"""Do richer conditions lower a model's bits/dim? The rule, which is fixed before any number is seen.

    supported       at each rung bits/dim is below the rung before, and the 95 % t interval of each of these drops,
                    paired over at least two seeds, lies above 0
    contradicted    at some rung it is above the rung before, and the t interval of that drop, paired over at least
                    two seeds, at the level 1 - .05 / drops, lies below 0
    undecided       all else: one seed, an interval that holds 0, a seed that diverged or is not measured

"Supported" needs every drop, so that it keeps its level without a correction (an intersection-union test, Berger
1982, Technometrics 24); "contradicted" needs one of several, hence Bonferroni's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple, get_args

from pipeline.metrics.interval import Interval
from pipeline.report.ladder import Climber, Ladder, paired

Word = Literal["supported", "contradicted", "undecided"]
ALPHA = 0.05
ONE_SEED = "one seed: training noise unknown"


class Verdict(NamedTuple):
    word: Word
    reason: str = ""


class Step(NamedTuple):
    """From one of the model's rungs to its next. `drop`: bits/dim; `strict`: the same, at Bonferroni's level."""

    name: str
    drop: Interval | None
    strict: Interval | None

    @property
    def decided(self) -> bool:
        """Whether there are seeds enough for an interval."""
        return self.drop is not None and self.drop.n > 1

    @property
    def falls(self) -> bool:
        return self.drop is not None and (self.drop.mean if self.drop.low is None else self.drop.low) > 0

    @property
    def rises(self) -> bool:
        return self.strict is not None and (self.strict.mean if self.strict.high is None else self.strict.high) < 0


def verdict(climber: Climber, labels: Sequence[str]) -> Verdict:
    """By the rule above; `labels`: the rungs' names."""
    steps = list(_steps(climber, labels))
    if climber.missing:
        return Verdict("undecided", ", ".join(climber.missing))
    if risen := [step for step in steps if step.decided and step.rises]:
        return Verdict("contradicted", _drops((step.name, step.strict) for step in risen))
    if not all(step.decided for step in steps):
        return Verdict("undecided", f"{ONE_SEED}; {_order(steps)}")
    if unsure := [step for step in steps if not step.falls]:
        return Verdict("undecided", _drops((step.name, step.drop) for step in unsure))
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


def _steps(climber: Climber, labels: Sequence[str]) -> Iterator[Step]:
    rungs = [(label, bits) for label, bits in zip(labels, climber.bits, strict=True) if bits]
    level = 1 - ALPHA / (len(rungs) - 1)
    for (label, before), (richer, after) in pairwise(rungs):
        drop, strict = paired(before, after, level=1 - ALPHA), paired(before, after, level=level)
        yield Step(f"{label} to {richer}", drop, strict)


def _order(steps: Iterable[Step]) -> str:
    """What the means say, where there is no telling from noise."""
    others = [step.name for step in steps if not step.falls]
    return f"bits/dim does not fall from {', '.join(others)}" if others else "bits/dim falls at each rung"


def _drops(drops: Iterable[tuple[str, Interval | None]]) -> str:
    """'drop from class to box: 0.0010 [-0.0020, 0.0040]'"""
    return ", ".join(f"drop from {name}: {d.mean:.4f} [{d.low:.4f}, {d.high:.4f}]" for name, d in drops if d)


def _named(model: str, reason: str) -> str:
    return f"{model} ({reason})" if reason else model
