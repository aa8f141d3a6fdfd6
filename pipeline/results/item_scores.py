"""The log-likelihood of each test item: one array in the samples file of each cell whose model has a likelihood.

They are in the unit of the metric: nats of points, bits per dimension of images. Their mean is the value of the metric,
but for the rounding to float32.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import files, paths
from pipeline.data import manifest
from pipeline.paths import Cell

ARRAY = "log_p"


def read(cell: Cell) -> NDArray[np.float64] | None:
    """(T,) the score of each test item; None of a cell that was evaluated before scores were stored.

    Only this array of the file is read: samples may be large.

    Raises:
        UserError: the file is missing or damaged, or its scores are not those of the test split.
    """
    path, hint = paths.samples(cell), f"coverseek evaluate --task {cell.task} --model {cell.model} --seed {cell.seed}"
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            found = archive[ARRAY] if ARRAY in archive.files else None
    except files.NPZ_ERRORS:
        raise files.damaged(path, "it cannot be read", hint) from None
    if found is None:
        return None
    known = manifest.read(cell.task)
    count = known.splits["test"].count if "test" in known.splits else None
    if fault := files.ArraySpec("f", (count,)).fault(found):
        raise files.damaged(path, f"array {ARRAY} has {fault}", hint)
    nats = found.astype(np.float64)
    return nats if known.event.levels is None else -nats / (math.prod(known.event.shape) * math.log(2))


def mean_over_seeds(cells: Sequence[Cell]) -> NDArray[np.float64] | None:
    """(T,) the mean over the seeds of one model on one task; None if a seed has no scores, or there is no seed.

    Raises:
        UserError: see `read`.
    """
    found = [scores for scores in map(read, cells) if scores is not None]
    if not found or len(found) < len(cells):
        return None
    mean: NDArray[np.float64] = np.mean(found, axis=0)
    return mean


def sources(task: str) -> NDArray[Any] | None:
    """(T, R) integers, what the test items of a task are made of where some share a source; None elsewhere.

    Raises:
        UserError: the prepared data are missing or damaged.
    """
    return manifest.read_split(task, "test").get("sources")
