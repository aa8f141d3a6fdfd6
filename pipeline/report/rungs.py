"""From the measured cells to the ladders: which tasks are rungs of one, and what each model reached on them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import files, paths
from pipeline.claims.results import Seeds
from pipeline.data import manifest
from pipeline.errors import UserError
from pipeline.params import Params
from pipeline.paths import Cell
from pipeline.report.ladder import Climber, Ladder, Rung
from pipeline.report.measured import Outcome

OBEDIENCE = {
    "class": "class_accuracy",
    "box": "box_iou",
    "segmentation": "segmentation_miou",
    "grayscale": "luma_error",
}
"""Condition -> how well samples keep it."""
SPLITS = ("train", "validation", "test")
BITS, DIVERSITY = "bits_per_dim", "conditional_diversity"


def ladders(params: Params, outcomes: Sequence[Outcome]) -> list[Ladder]:
    """One for each suite that names a ladder, once two of its rungs are measured.

    Raises:
        UserError: two rungs of a ladder hold different images.
    """
    made = (_ladder(params, suite, outcomes) for suite in dict.fromkeys(o.suite for o in outcomes))
    return [ladder for ladder in made if len(ladder.rungs) > 1]


def _ladder(params: Params, name: str, outcomes: Sequence[Outcome]) -> Ladder:
    grid = list(_grid(params, name, {o.cell: o for o in outcomes}))
    measured = {o.cell.task for o in grid if o.status == "ok"}
    rungs = _rungs(name, [task for task in params.suites[name].ladder if task in measured])
    models = dict.fromkeys(o.cell.model for o in grid if o.family != "control")
    climbers = tuple(_climber([o for o in grid if o.cell.model == model], rungs) for model in models)
    return Ladder(name, rungs, climbers, tuple(_real(grid, rung) for rung in rungs))


def _grid(params: Params, name: str, outcomes: Mapping[Cell, Outcome]) -> Iterator[Outcome]:
    """Of every cell on the ladder, in this suite and those beside it: one that has not run at all has failed."""
    for near in (name, *params.suites[name].beside):
        suite = params.suites[near]
        for cell in suite.cells():
            if cell.task in params.suites[name].ladder:
                family = params.model(suite.events, cell.model).family
                yield outcomes.get(cell) or Outcome(suite=near, cell=cell, family=family, status="failed")


def _rungs(suite: str, tasks: Sequence[str]) -> tuple[Rung, ...]:
    if tasks:
        _refuse_different_images(suite, *tasks)
    return tuple(map(_rung, tasks))


def _refuse_different_images(suite: str, first: str, *others: str) -> None:
    for split in SPLITS:
        images = _arrays(first, split)["x"]
        for task in others:
            if not np.array_equal(images, _arrays(task, split)["x"]):
                hint = f"{first} and {task} hold different {split} images; give them the same data and seed"
                raise UserError(f"{paths.PARAMS}: suites.{suite}.ladder: {hint}")


def _arrays(task: str, split: str) -> files.Arrays:
    return manifest.read_split(task, split)


def _rung(task: str) -> Rung:
    known = manifest.read(task)
    kind = known.condition.kind
    most = _entropy(_arrays(task, "train")["c"]) if kind == "class" else None
    return Rung(task, kind, math.prod(known.event.shape), most)


def _entropy(classes: NDArray[Any]) -> float:
    """Of the shares of classes (N,), in bits."""
    share = np.unique(classes, return_counts=True)[1] / len(classes)
    return float(-(share * np.log2(share)).sum())


def _climber(outcomes: Sequence[Outcome], rungs: Sequence[Rung]) -> Climber:
    kinds = dict.fromkeys(o.metrics[BITS].kind for o in outcomes if BITS in o.metrics)
    return Climber(
        model=outcomes[0].cell.model,
        family=outcomes[0].family,
        kind=", ".join(kinds),
        bits=tuple(_seeds(outcomes, rung, _bits) for rung in rungs),
        obedience=tuple(_seeds(outcomes, rung, _obedience) for rung in rungs),
        diversity=tuple(_seeds(outcomes, rung, _diversity) for rung in rungs),
        missing=tuple(_missing(outcomes)),
    )


def _seeds(outcomes: Sequence[Outcome], rung: Rung, value: Callable[[Outcome, Rung], float | None]) -> Seeds:
    found = {o.cell.seed: value(o, rung) for o in outcomes if o.cell.task == rung.task}
    return {seed: number for seed, number in found.items() if number is not None}


def _bits(outcome: Outcome, rung: Rung) -> float | None:
    return _number(outcome, BITS)


def _diversity(outcome: Outcome, rung: Rung) -> float | None:
    return _number(outcome, DIVERSITY)


def _obedience(outcome: Outcome, rung: Rung) -> float | None:
    """None where the task asks for none, and where the judge tells nothing: its ceiling is its floor."""
    metric = OBEDIENCE.get(rung.condition, "")
    score, ceiling, floor = (_number(outcome, f"{metric}{kind}") for kind in ("", "_ceiling", "_floor"))
    if score is None or ceiling is None or floor is None or ceiling == floor:
        return None
    return (score - floor) / (ceiling - floor)


def _real(outcomes: Sequence[Outcome], rung: Rung) -> float | None:
    """The same for every model, so that the first one's will do."""
    numbers = (_number(o, f"{DIVERSITY}_real") for o in outcomes if o.cell.task == rung.task)
    return next((number for number in numbers if number is not None), None)


def _number(outcome: Outcome, metric: str) -> float | None:
    return outcome.metrics[metric].value if metric in outcome.metrics else None


def _missing(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """'shapes_box: 1 of 3 seeds diverged'"""
    of = Counter(o.cell.task for o in outcomes)
    for (task, status), count in Counter((o.cell.task, o.status) for o in outcomes if o.status != "ok").items():
        what = "diverged" if status == "diverged" else "not measured"
        yield f"{task}: {count} of {of[task]} seed{'s' * (of[task] > 1)} {what}"
