"""The numbers of results.csv, selected by task, model and metric: one value for each training seed.

Values carry their sources, so that a contrast of values knows which seeds a source lacks, whether a source's metric is
blind on its task (`pipeline.statistics.admission`), and whether the number is a bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from pipeline.statistics.admission import Admission, admissions
from pipeline.statistics.intervals import Seeds

UPPER, LOWER = "<=", ">="
"""How the kind of a number begins whose true value lies below it (an upper bound), or above it (a lower bound)."""


@dataclass(frozen=True)
class Source:
    """One metric of one model on one task.

    Attributes:
        seeds: the training seeds that it is measured on.
        kinds: the kinds of its numbers, 'exact' or '<= (IWAE-64)'.
        blind: why the metric says nothing on this task; empty if it is admitted.
        model: the model, without the ending of a narrow one.
    """

    seeds: frozenset[int]
    kinds: frozenset[str] = frozenset()
    blind: str = ""
    model: str = ""


Cells = Mapping[str, Source]
"""What a value is computed from, 'precision of ring-vae' -> its source."""


class Measured(dict[int, float]):
    """Training seed -> value, with the sources that it is computed from.

    Attributes:
        cells: the sources.
        excess: the signs of (value - true value) that bounds allow: +1 of an upper bound, -1 of a lower one, both of a
            difference of two upper bounds, neither of exact values and estimates.
    """

    def __init__(self, values: Seeds, cells: Cells, excess: Iterable[int] = ()) -> None:
        super().__init__(values)
        self.cells = cells
        self.excess = frozenset(excess)


def cells(*sides: Seeds) -> Cells:
    """The sources of all sides; a plain mapping has none."""
    return {name: source for side in sides if isinstance(side, Measured) for name, source in side.cells.items()}


def excess(*sides: Seeds) -> frozenset[int]:
    """The signs of the excess of a sum of all sides."""
    return frozenset(sign for side in sides if isinstance(side, Measured) for sign in side.excess)


NARROW = ("_half", "_quarter", "_eighth")
"""How the name of a model ends that has a share of another one's width."""


@dataclass(frozen=True)
class Results:
    """The table of results.

    Attributes:
        frame: the columns of results.csv.
        turns: a row for each setting of each knob: task, model, seed, setting, precision, recall, ...
    """

    frame: pd.DataFrame
    turns: pd.DataFrame | None = None

    @cached_property
    def admitted(self) -> Mapping[tuple[str, str], Admission]:
        """(task, metric) -> whether the controls are apart; without the pairs that no control measures."""
        return admissions(self.frame)

    def seeds(self, task: str, model: str, metric: str) -> Seeds:
        """One metric of one model on one task."""
        f = self.frame
        rows = f[(f["task"] == task) & (f["model"] == model) & (f["metric"] == metric)]
        return self._measured(rows, "value", task, model, metric, metric)

    def turned(self, task: str, model: str, setting: float, metric: str) -> Seeds:
        """One metric of one model on one task with its knob at a setting."""
        if self.turns is None:
            return {}
        t = self.turns
        rows = t[(t["task"] == task) & (t["model"] == model) & (t["setting"] == setting)]
        return self._measured(rows, metric, task, model, metric, f"{metric} at {setting:g}")

    def _measured(self, rows: pd.DataFrame, column: str, task: str, model: str, metric: str, name: str) -> Measured:
        values = {int(seed): float(value) for seed, value in zip(rows["seed"], rows[column], strict=True)}
        kinds = frozenset(map(str, rows["kind"])) if "kind" in rows else frozenset()
        verdict = self.admitted.get((task, metric))
        blind = f"{task} {metric} is blind: {verdict.reason}" if verdict and not verdict.admitted else ""
        signs = {1 if kind.startswith(UPPER) else -1 for kind in kinds if kind.startswith((UPPER, LOWER))}
        return Measured(
            values, {f"{name} of {task}-{model}": Source(frozenset(values), kinds, blind, base(model))}, signs
        )


def base(model: str) -> str:
    """realnvp_half -> realnvp; the name of any other model itself."""
    return next((model.removesuffix(end) for end in NARROW if model.endswith(end)), model)


def share_a_model(a: Seeds, b: Seeds) -> bool:
    """Whether a model enters both sides, at any width and on any task; sides without sources may, for all is known."""
    models = [{source.model for source in cells(side).values()} for side in (a, b)]
    return not all(models) or bool(models[0] & models[1])


def kinds(*sides: Seeds) -> frozenset[str]:
    """The kinds of the numbers that all sides are computed from."""
    return frozenset(kind for source in cells(*sides).values() for kind in source.kinds)
