"""The ladder for readers: bits/dim at each rung, what each condition explains, and the verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pipeline.report import markdown
from pipeline.results.column import DASH, Column, bound, column
from pipeline.results.conditioning import BITS, ConditioningSeries, ModelSeries, paired
from pipeline.statistics.intervals import Seeds, student_t

RULE = (
    "Supported: bits/dim falls at each rung, and the 95 % t interval of each drop, paired over seeds, lies above 0. "
    "Contradicted: the interval of a drop lies below 0, at the level 1 - .05 / drops. Undecided: all else."
)
EXPLAINED = (
    "Bits per image (bits/dim) that each condition explains, against the rung without one. It is an estimate of "
    "I(x; c), not a bound: both sides are cross-entropies."
)
BEYOND = "what an estimate has beyond that, one of the two models failed to learn"
INTERVALS = "± is half of Student's 95 % t interval over n training seeds; that of a difference is paired over seeds."
PER_IMAGE = Column("bits per image", decimals=1)
PER_DIM = Column("bits/dim", decimals=4)
"""A digit more than bits/dim has: of 768 values, a class may explain a few bits."""


def section(ladder: ConditioningSeries, picture: Path | None, verdicts: Mapping[str, str], sentence: str) -> str:
    """The part of the page that stands before the suite's tasks.

    Args:
        verdicts: model -> the word of its verdict.
        sentence: all verdicts with their reasons.
    """
    models = [climber for climber in ladder.models if climber.comparable]
    parts = ["### The ladder", *([markdown.image(picture)] if picture else [])]
    if models:
        parts += ["Bits/dim of the same images under ever richer conditions:", _bits(ladder, models, verdicts)]
        parts += [sentence, RULE]
        if ladder.unconditional_index is not None:
            parts += [" ".join([EXPLAINED, *_limits(ladder)]), _explained(ladder, models, ladder.unconditional_index)]
        if any(len(seeds) > 1 for climber in models for seeds in climber.bits):
            parts.append(INTERVALS)
    return "\n\n".join(parts) + "\n"


def _bits(ladder: ConditioningSeries, models: Sequence[ModelSeries], verdicts: Mapping[str, str]) -> str:
    columns = [*_names(models), ["kind", *(bound(climber.kind) for climber in models)]]
    for place, label in enumerate(ladder.labels):
        columns.append([label, *(_mean(climber.bits[place]) for climber in models)])
    return markdown.table([*columns, ["verdict", *(verdicts[c.model] for c in models)]])


def _explained(ladder: ConditioningSeries, models: Sequence[ModelSeries], ground: int) -> str:
    columns = _names(models)
    for place, (label, rung) in enumerate(zip(ladder.labels, ladder.levels, strict=True)):
        if place != ground:
            drops = (_drop(climber.bits[ground], climber.bits[place], rung.dims) for climber in models)
            columns.append([label, *drops])
    return markdown.table(columns)


def _limits(ladder: ConditioningSeries) -> Iterator[str]:
    """'class has an entropy of 2.1 bits per image: ...'"""
    for label, rung in zip(ladder.labels, ladder.levels, strict=True):
        if rung.most is not None:
            most = PER_IMAGE.text(rung.most)
            yield f"{label} has an entropy of {most} bits per image: {BEYOND}."


def _names(models: Sequence[ModelSeries]) -> list[list[str]]:
    return [["model", *(c.model for c in models)], ["family", *(c.family for c in models)]]


def _mean(bits: Seeds) -> str:
    if not bits:
        return DASH
    interval = student_t(list(bits.values()))
    return column(BITS).spread(interval.mean, interval.low, interval.high)


def _drop(before: Seeds, after: Seeds, dims: int) -> str:
    """'12.3 ± 1.5 (0.0160 ± 0.0020)'"""
    image, value = paired(before, after, scale=dims), paired(before, after)
    if image is None or value is None:
        return DASH
    per_dim = PER_DIM.spread(value.mean, value.low, value.high)
    return f"{PER_IMAGE.spread(image.mean, image.low, image.high)} ({per_dim})"
