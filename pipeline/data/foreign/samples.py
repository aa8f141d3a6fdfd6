"""A path of the user -> samples of a task, as its own models' samples are measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipeline.contract import Task
from pipeline.data.foreign import raw, scale
from pipeline.data.foreign.arrays import Array
from pipeline.data.foreign.scale import Range
from pipeline.errors import UserError


@dataclass(frozen=True)
class Samples:
    """x as the task has it, float32 (N, *event), images on the level grid, and c (N, *condition)."""

    x: Tensor
    c: Tensor
    offered: int
    """How many there were."""
    rounded: float
    """Share of the values that were moved to a level."""
    sha256: str
    """Of what they were read from."""
    order: str = ""
    """Of PNG files, how they were ordered where that is not the order of the letters."""


def read(task: Task, path: Path, *, count: int, span: Range | None, nearest: bool) -> Samples:
    """At least `count` samples of `task`; of a task with a condition, all that there are.

    Raises:
        UserError: they cannot be read safely, are too few, or are no samples of the task.
    """
    found = raw.read(task, path, count)
    if found.offered < count:
        raise UserError(f"{path} holds {found.offered:,} samples: task {task.name} is measured on {count:,}")
    if task.event.levels is None:
        return Samples(_points(found.x, span, path), found.c, found.offered, 0.0, found.sha256)
    fitted = scale.levels(found.x, task.event, span or found.span, nearest=nearest, what=str(path))
    x = task.event.value(torch.from_numpy(fitted.x))
    return Samples(x, found.c, found.offered, fitted.rounded, found.sha256, found.order)


def _points(x: Array, span: Range | None, path: Path) -> Tensor:
    """(N, D) float32."""
    if span is not None:
        raise UserError("--range is for images: points are taken as they are, leave it out")
    if x.dtype.kind != "f":
        raise UserError(f"{path} holds {x.dtype}: save points as float32")
    with np.errstate(over="ignore"):
        points = x.astype(np.float32)
    bad = np.flatnonzero(~np.isfinite(points).all(axis=1))
    if len(bad):
        raise UserError(
            f"{path}: sample {bad[0]} is not finite: {x[bad[0]].tolist()}; leave out none, mend the sampler"
        )
    return torch.from_numpy(points)
