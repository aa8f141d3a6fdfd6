"""Claims about conditions: a richer condition leaves less to model.

The verdict on one model of a conditioning series follows the rule of every claim (`rule`), over the contrasts
of bits/dim at each level with the next:

supported       at each level bits/dim is below the level before, and the 95 % t interval of each of these drops,
                paired over at least two seeds, lies above 0
contradicted    at some level it is above the level before, and the t interval of that drop, paired over at least
                two seeds, at the level 1 - .05 / drops, lies below 0
undecided       all else: one seed, an interval that holds 0, a seed that diverged or is not measured
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, get_args

from pipeline.claims.claim import LIKELIHOOD, SHAPES, Claim, roster
from pipeline.claims.contrast import Contrast, difference, kinds, within
from pipeline.claims.rule import ONE_SEED, ContrastTest, Word, weigh
from pipeline.results.conditioning import ConditioningSeries, ModelSeries
from pipeline.results.table import Results
from pipeline.statistics.intervals import Interval


class SeriesVerdict(NamedTuple):
    word: Word
    reason: str = ""


def verdict(model: ModelSeries, labels: Sequence[str]) -> SeriesVerdict:
    """The verdict on one model.

    Args:
        labels: the names of the levels.
    """
    drops = _drops(model, labels)
    if model.missing:
        return SeriesVerdict("undecided", ", ".join(model.missing))
    if risen := [drop for drop in drops if drop.below]:
        return SeriesVerdict("contradicted", _format((drop.contrast.name, drop.strict) for drop in risen))
    if not all(drop.decided for drop in drops):
        return SeriesVerdict("undecided", f"{ONE_SEED}; {_direction(drops)}")
    if unsure := [drop for drop in drops if not drop.above]:
        return SeriesVerdict("undecided", _format((drop.contrast.name, drop.interval) for drop in unsure))
    return SeriesVerdict("supported")


def verdicts(series: ConditioningSeries) -> dict[str, SeriesVerdict]:
    """Model -> verdict, of the models that at least two levels have bits/dim of."""
    return {model.model: verdict(model, series.labels) for model in series.models if model.comparable}


def sentence(found: dict[str, SeriesVerdict]) -> str:
    """'Richer conditions lower bits/dim: supported for ddpm, glow; undecided for vae (...).' Empty without verdicts."""
    parts = []
    for word in get_args(Word):
        models = [f"{model} ({v.reason})" if v.reason else model for model, v in found.items() if v.word == word]
        parts += [f"{word} for {', '.join(models)}"] if models else []
    return f"**Richer conditions lower bits/dim**: {'; '.join(parts)}." if parts else ""


def _drops(model: ModelSeries, labels: Sequence[str]) -> tuple[ContrastTest, ...]:
    """From each level that the model is measured at to its next."""
    levels = [(label, bits) for label, bits in zip(labels, model.bits, strict=True) if bits]
    pairs = pairwise(levels)
    return weigh([difference(f"{label} to {richer}", before, after) for (label, before), (richer, after) in pairs])


def _direction(drops: Iterable[ContrastTest]) -> str:
    """What the means say where the noise is unknown."""
    others = [drop.contrast.name for drop in drops if not drop.above]
    return f"bits/dim does not fall from {', '.join(others)}" if others else "bits/dim falls at each level"


def _format(drops: Iterable[tuple[str, Interval | None]]) -> str:
    """'drop from class to box: 0.0010 [-0.0020, 0.0040]'"""
    return ", ".join(f"drop from {name}: {d.mean:.4f} [{d.low:.4f}, {d.high:.4f}]" for name, d in drops if d)


def _contrasts(results: Results) -> Iterator[Contrast]:
    """Each model with itself. Bounds of one kind are compared as reported; of two kinds, by their slack."""
    for sparse, dense in pairwise(SHAPES):
        before, after = (roster(results, task, LIKELIHOOD, "bits_per_dim") for task in (sparse, dense))
        drops = {
            model: difference(
                model, before[model], after[model], as_reported=len(kinds(before[model], after[model])) == 1
            )
            for model in before
            if model in after
        }
        yield within(f"bits/dim, {sparse} - {dense}", drops)


CLAIMS = (
    Claim(
        "richer-conditions",
        "Richer conditions lower the bits/dim that a model reports, from each condition to the next denser one; of a "
        "model with a bound, the bound.",
        "richer conditions lower the reported bits/dim",
        "bits_per_dim", ("the sparser condition", "the denser"), _contrasts, "conditions-series.png", 0.02,
    ),
)  # fmt: skip
