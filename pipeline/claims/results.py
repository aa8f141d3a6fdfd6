"""The numbers of results.csv, as claims ask for them: by task, model and metric, one for each training seed.

Numbers keep the cells that they were measured on, so that a seed that one of them lacks is named and not lost.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

Seeds = Mapping[int, float]
"""Training seed -> value; empty where nothing is measured."""

Cells = Mapping[str, frozenset[int]]
"""What was asked for, 'precision of ring-vae' -> the seeds that have it."""


class Measured(dict[int, float]):
    """Training seed -> value, with the cells that it comes from."""

    def __init__(self, values: Seeds, cells: Cells) -> None:
        super().__init__(values)
        self.cells = cells


def cells(*sides: Seeds) -> Cells:
    """Of all sides; a mapping without any is not known to lack a seed."""
    return {name: seeds for side in sides if isinstance(side, Measured) for name, seeds in side.cells.items()}


NARROW = ("_half", "_quarter", "_eighth")
"""How the name of a model ends that has a share of another one's width."""
EXPLICIT = ("autoregressive", "flow", "vae", "diffusion")
"""The families that know their likelihood, or a bound on it."""


@dataclass(frozen=True)
class Results:
    """`frame` has the columns of results.csv: task, model, family, seed, metric, value, ...; `turns` a row for each
    setting of each knob that was turned: task, model, seed, setting, precision, recall, ..."""

    frame: pd.DataFrame
    turns: pd.DataFrame | None = None

    def seeds(self, task: str, model: str, metric: str) -> Seeds:
        """What one model reached on one task."""
        f = self.frame
        rows = f[(f["task"] == task) & (f["model"] == model) & (f["metric"] == metric)]
        return _measured(rows["seed"], rows["value"], f"{metric} of {task}-{model}")

    def mean(self, task: str, model: str, metric: str) -> float:
        """Over the seeds; infinity where nothing is measured."""
        values = self.seeds(task, model, metric).values()
        return sum(values) / len(values) if values else math.inf

    def turned(self, task: str, model: str, setting: float, metric: str) -> Seeds:
        """What one model reached on one task with its knob at a setting."""
        if self.turns is None:
            return {}
        t = self.turns
        rows = t[(t["task"] == task) & (t["model"] == model) & (t["setting"] == setting)]
        return _measured(rows["seed"], rows[metric], f"{metric} at {setting:g} of {task}-{model}")

    def models(self, task: str, families: Sequence[str], metric: str) -> list[str]:
        """The models of these families that have the metric on the task, in the order of the table; those that are
        narrow on purpose speak for their family only where they are asked for by name."""
        f = self.frame
        rows = f[(f["task"] == task) & f["family"].isin(families) & (f["metric"] == metric)]
        return [model for model in dict.fromkeys(rows["model"]) if not model.endswith(NARROW)]

    def family(self, task: str, families: Sequence[str], metric: str) -> Seeds:
        """The mean over the models of these families, for each seed that all of them have."""
        return mean([self.seeds(task, model, metric) for model in self.models(task, families, metric)])

    def best(self, task: str, families: Sequence[str], metric: str) -> Seeds:
        """The one of these families' models whose mean over seeds is lowest."""
        found = [self.seeds(task, model, metric) for model in self.models(task, families, metric)]
        return min(found, key=lambda seeds: sum(seeds.values()) / len(seeds), default={})


def mean(found: Sequence[Seeds]) -> Seeds:
    """Seed by seed, over the seeds that all have."""
    shared = set.intersection(*(set(seeds) for seeds in found)) if found else set()
    means = {seed: sum(seeds[seed] for seeds in found) / len(found) for seed in sorted(shared)}
    return Measured(means, cells(*found))


def _measured(seeds: pd.Series, values: pd.Series, name: str) -> Measured:
    found = {int(seed): float(value) for seed, value in zip(seeds, values, strict=True)}
    return Measured(found, {name: frozenset(found)})
