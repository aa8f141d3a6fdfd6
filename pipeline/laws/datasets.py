"""Laws of a dataset: a function (sizes, seed, *, keywords) -> Dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.contract import Condition
from pipeline.data.dataset import SPLITS, Dataset, Sizes, Split
from pipeline.laws.law import Law, law, require

SIZES = Sizes(64, 16, 16)
WHOLE = ("class", "segmentation")
"""Conditions whose numbers are whole."""


@dataclass(frozen=True)
class Source:
    """A dataset's function: what these laws are put to."""

    function: Callable[..., Dataset]
    keywords: Mapping[str, Any] = field(default_factory=dict)

    def make(self, seed: int = 0) -> Dataset:
        """Raises UserError: it refuses sizes as small as `SIZES`."""
        return self.function(SIZES, seed, **self.keywords)


@law()
def each_split_has_the_size_that_is_asked_for(source: Source) -> None:
    """Each split has as many items as asked for, each with its condition and its label."""
    for name, split, size in _splits(source.make()):
        for what, array in split.arrays().items():
            require(len(array) == size, f"{what} of {name} has {len(array)} items; asked for were {size}")


@law()
def x_is_what_the_event_says(source: Source) -> None:
    """x has the shape of the event: levels below L as uint8, or finite points as float32."""
    made = source.make()
    levels, dtype = made.event.levels, np.float32 if made.event.levels is None else np.uint8
    for name, split, _ in _splits(made):
        x = split.x
        require(x.shape[1:] == made.event.shape, f"x of {name} is {x.shape[1:]}; its event says {made.event.shape}")
        require(x.dtype == dtype, f"x of {name} is {x.dtype}; it must be {np.dtype(dtype)}")
        require(np.isfinite(x).all(), f"x of {name} is not finite")
        require(levels is None or x.max() < levels, f"x of {name} reaches {x.max()}; its event has {levels} levels")


@law()
def c_is_what_the_condition_says(source: Source) -> None:
    """c has the shape, the kind of number and the range of its condition."""
    made = source.make()
    for name, split, _ in _splits(made):
        c, shape = split.c, made.condition.shape
        require(c.shape[1:] == shape, f"c of {name} is {c.shape[1:]}; its condition says {shape}")
        dtype = np.dtype(np.int64 if made.condition.kind in WHOLE else np.float32)
        require(c.dtype == dtype, f"c of {name} is {c.dtype}; it must be {dtype}")
        require(_within(made.condition, c), f"c of {name} leaves the range of a {made.condition.kind}")


@law()
def the_seed_alone_decides(source: Source) -> None:
    """The same sizes and seed give the same bytes, whatever was drawn before."""
    np.random.seed(1)
    torch.manual_seed(1)
    before = source.make()
    np.random.seed(2)
    torch.manual_seed(2)
    for name, split, _ in _splits(source.make()):
        for what, array in split.arrays().items():
            same = np.array_equal(array, before.splits[name].arrays()[what])
            require(same, f"{what} of {name} differs from call to call: draw with np.random.default_rng(seed)")


@law()
def no_split_repeats_another(source: Source) -> None:
    """Validation and test hold items that are not in train."""
    made = source.make()
    seen = set(_rows(made.splits["train"].x))
    for name in SPLITS[1:]:
        rows = _rows(made.splits[name].x)
        again = sum(row in seen for row in rows)
        require(again <= len(rows) / 2, f"{again} of {len(rows)} items of {name} are in train too")


@law()
def the_scale_is_that_of_the_training_split(source: Source) -> None:
    """The scale of points is positive and of the size of the training split's largest magnitude."""
    made = source.make()
    if made.event.levels is None:
        largest = float(np.abs(made.splits["train"].x).max())
        fits = largest / 2 <= made.event.scale <= 2 * largest
        require(fits, f"the event's scale is {made.event.scale:.3g}; the largest value of train is {largest:.3g}")


LAWS: tuple[Law[Source], ...] = (
    each_split_has_the_size_that_is_asked_for,
    x_is_what_the_event_says,
    c_is_what_the_condition_says,
    the_seed_alone_decides,
    no_split_repeats_another,
    the_scale_is_that_of_the_training_split,
)


def _splits(made: Dataset) -> Iterator[tuple[str, Split, int]]:
    for name, size in zip(SPLITS, SIZES, strict=True):
        require(name in made.splits, f"there is no split {name}; there must be {', '.join(SPLITS)}")
        yield name, made.splits[name], size


def _within(condition: Condition, c: NDArray[Any]) -> bool:
    low, high = {"box": (0, 1), "grayscale": (-1, 1)}.get(condition.kind, (0, condition.size - 1))
    return bool(((c >= low) & (c <= high)).all())  # of nothing too


def _rows(x: NDArray[Any]) -> list[bytes]:
    return [row.tobytes() for row in x]
