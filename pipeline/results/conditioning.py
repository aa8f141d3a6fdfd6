"""Conditioning series: the same images under ever richer conditions, one model at a time.

    explained(c) = bits(x) - bits(x | c)               an estimate of I(x; c) = H(x) - H(x | c)
    obedience    = (score - floor) / (ceiling - floor)

Either side of the difference is a cross-entropy, which lies above its entropy, so the difference bounds I(x; c)
neither from above nor from below; but I(x; c) <= H(c), and what an estimate has beyond that is what the model without
the condition leaves unlearned. Obedience is 1 where the judge scores the samples like real images under their own
condition (the ceiling) and 0 where it scores them like real images under shuffled ones (the floor), whatever the kind
of condition. Differences of two levels are taken seed by seed, over the seeds that both have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline import paths
from pipeline.errors import UserError
from pipeline.params import Params
from pipeline.results import task_facts
from pipeline.results.outcomes import Outcome, shown
from pipeline.results.task_facts import SPLITS, TaskFacts
from pipeline.statistics.intervals import Interval, Seeds, student_t

OBEDIENCE = {
    "class": "class_accuracy",
    "box": "box_iou",
    "segmentation": "segmentation_miou",
    "grayscale": "luma_error",
}
"""Condition -> how well samples keep it."""
BITS, DIVERSITY = "bits_per_dim", "conditional_diversity"


@dataclass(frozen=True)
class ConditionLevel:
    """One task of the series. `dims`: values of an image, so that bits/dim times `dims` are bits per image.

    `most`: the entropy of its condition in bits, where it is a class; None otherwise.
    """

    task: str
    condition: str
    dims: int
    most: float | None = None


@dataclass(frozen=True)
class ModelSeries:
    """One model: its values by seed at each level. `missing`: what became of the seeds without numbers."""

    model: str
    family: str
    kind: str
    bits: tuple[Seeds, ...]
    obedience: tuple[Seeds, ...]
    diversity: tuple[Seeds, ...]
    missing: tuple[str, ...]

    @property
    def comparable(self) -> bool:
        """Whether at least two levels have bits to compare."""
        return sum(map(bool, self.bits)) > 1


@dataclass(frozen=True)
class ConditioningSeries:
    """The measured tasks of a suite's series, from the sparsest condition to the densest, and the models on them.

    `real`: at each level the diversity of real images that share a condition, where it is known.
    """

    suite: str
    levels: tuple[ConditionLevel, ...]
    models: tuple[ModelSeries, ...]
    real: tuple[float | None, ...]

    @property
    def unconditional_index(self) -> int | None:
        """The position of the level without a condition, the reference of the others."""
        return next((place for place, level in enumerate(self.levels) if level.condition == "none"), None)

    @property
    def labels(self) -> list[str]:
        """The conditions of the levels; their tasks where two levels have one condition."""
        conditions = [level.condition for level in self.levels]
        return conditions if len(set(conditions)) == len(conditions) else [level.task for level in self.levels]


def paired(before: Seeds, after: Seeds, *, scale: float = 1.0) -> Interval | None:
    """By how much `before` exceeds `after`, times `scale`, over the seeds that both have; None where there is none."""
    drops = [before[seed] - after[seed] for seed in sorted(before.keys() & after.keys())]
    return student_t([scale * drop for drop in drops]) if drops else None


def conditioning_series(params: Params, outcomes: Sequence[Outcome]) -> list[ConditioningSeries]:
    """One for each suite that declares a series, if two of its levels are measured.

    Raises:
        UserError: two levels of a series hold different images.
    """
    made = (_series(params, suite, outcomes) for suite in shown(params, outcomes))
    return [series for series in made if len(series.levels) > 1]


def _series(params: Params, name: str, outcomes: Sequence[Outcome]) -> ConditioningSeries:
    cells, found = params.suites[name].cells(), {o.cell: o for o in outcomes}
    grid = [found[cell] for cell in cells if cell.task in params.suites[name].conditioning]
    measured = {o.cell.task for o in grid if o.status == "ok"}
    levels = _levels(name, [task for task in params.suites[name].conditioning if task in measured])
    names = dict.fromkeys(o.cell.model for o in grid if o.family != "control")
    models = tuple(_model([o for o in grid if o.cell.model == model], levels) for model in names)
    return ConditioningSeries(name, levels, models, tuple(_real(grid, level) for level in levels))


def _levels(suite: str, tasks: Sequence[str]) -> tuple[ConditionLevel, ...]:
    """Without the tasks of which neither the data nor the record is here."""
    known = [found for task in tasks if (found := task_facts.facts(task, images=True))]
    if known:
        _refuse_different_images(suite, *known)
    return tuple(ConditionLevel(of.task, of.condition, of.dims, of.entropy) for of in known)


def _refuse_different_images(suite: str, first: TaskFacts, *others: TaskFacts) -> None:
    for split in SPLITS:
        for other in others:
            if getattr(first, split) != getattr(other, split):
                hint = f"{first.task} and {other.task} hold different {split} images; give them the same data and seed"
                raise UserError(f"{paths.PARAMS}: suites.{suite}.conditioning: {hint}")


def _model(outcomes: Sequence[Outcome], levels: Sequence[ConditionLevel]) -> ModelSeries:
    kinds = dict.fromkeys(o.metrics[BITS].kind for o in outcomes if BITS in o.metrics)
    return ModelSeries(
        model=outcomes[0].cell.model,
        family=outcomes[0].family,
        kind=", ".join(kinds),
        bits=tuple(_seeds(outcomes, level, BITS) for level in levels),
        obedience=tuple(_obedience(outcomes, level) for level in levels),
        diversity=tuple(_seeds(outcomes, level, DIVERSITY) for level in levels),
        missing=tuple(_missing(outcomes)),
    )


def _seeds(outcomes: Sequence[Outcome], level: ConditionLevel, metric: str) -> Seeds:
    return {o.cell.seed: o.metrics[metric].value for o in outcomes if o.cell.task == level.task and metric in o.metrics}


def _obedience(outcomes: Sequence[Outcome], level: ConditionLevel) -> Seeds:
    """Without seeds whose ceiling equals their floor, where the judge is not informative."""
    metric = OBEDIENCE.get(level.condition, "")
    score, ceiling, floor = (_seeds(outcomes, level, f"{metric}{end}") for end in ("", "_ceiling", "_floor"))
    known = [seed for seed in score if seed in ceiling and seed in floor and ceiling[seed] != floor[seed]]
    return {seed: (score[seed] - floor[seed]) / (ceiling[seed] - floor[seed]) for seed in known}


def _real(outcomes: Sequence[Outcome], level: ConditionLevel) -> float | None:
    """The same for every model."""
    return next(iter(_seeds(outcomes, level, f"{DIVERSITY}_real").values()), None)


def _missing(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """'shapes_box: 1 of 3 seeds diverged'"""
    of = Counter(o.cell.task for o in outcomes)
    for (task, status), count in Counter((o.cell.task, o.status) for o in outcomes if o.status != "ok").items():
        what = "diverged" if status == "diverged" else "not measured"
        yield f"{task}: {count} of {of[task]} seed{'s' * (of[task] > 1)} {what}"
