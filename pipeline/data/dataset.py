"""What a dataset's function returns: the event, the condition, the truth if known, and three splits."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.contract import Condition, Event, Factor, Mixture
from pipeline.items import LARGE
from pipeline.processes import Process

SPLITS = ("train", "validation", "test")


class Sizes(NamedTuple):
    """Items in each split."""

    train: int
    validation: int
    test: int


@dataclass(frozen=True)
class Split:
    """x: points float32 (N, D), images uint8 levels (N, C, H, W), sequences (N, C, T) either of the two;
    c: (N, *condition); label: (N,) int64 or None;
    factors: (N, F) int64, the value of each of the dataset's factors, or None; intensity: uint8 (N, C, H, W) or None,
    where x in {0, 1} is one draw with P(x = 1) = intensity / 255 and training draws anew; sources: (N, R) int64 or
    None, the rows of another data set that each item is made of, where items that share one are not independent."""

    x: NDArray[Any]
    c: NDArray[Any]
    label: NDArray[np.int64] | None = None
    factors: NDArray[np.int64] | None = None
    intensity: NDArray[np.uint8] | None = None
    sources: NDArray[np.int64] | None = None

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) is not None}


@dataclass(frozen=True)
class Dataset:
    event: Event
    splits: dict[str, Split]
    condition: Condition = field(default_factory=Condition)
    truth: Mixture | Process | None = None
    factors: tuple[Factor, ...] = ()


def allocate(shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """An array to be filled: in memory, or in a nameless file in the working directory if it is larger than `LARGE`."""
    if math.prod(shape) * np.dtype(dtype).itemsize <= LARGE:
        return np.empty(shape, dtype)
    with tempfile.TemporaryFile(dir=Path()) as file:
        return np.memmap(file, dtype, "w+", shape=shape)


def stacked(arrays: Iterable[NDArray[Any]], count: int) -> NDArray[Any]:
    """np.stack of `count` arrays, 1 or more, of one shape and type that come one by one; none of them is kept."""
    found: NDArray[Any] | None = None
    for row, array in enumerate(arrays):
        found = allocate((count, *array.shape), array.dtype) if found is None else found
        found[row] = array
    if found is None:
        raise ValueError("there is no array to be stacked")
    return found


def unconditional(count: int) -> NDArray[np.float32]:
    """The condition of a task without one: (N, 0)."""
    return np.empty((count, 0), np.float32)
