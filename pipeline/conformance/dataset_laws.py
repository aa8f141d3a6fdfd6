"""Laws of datasets: of functions (sizes, seed, *, keywords) -> Dataset."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.conformance.law import Law, law, require
from pipeline.contract import Condition
from pipeline.data.dataset import SPLITS, Dataset, Sizes, Split

SIZES = Sizes(64, 16, 16)
INTEGER_CONDITIONS = ("class", "segmentation")
DEVIATIONS = 3
"""Standard deviations of the number of repeats that are allowed above its expectation."""


@dataclass(frozen=True)
class DatasetFunction:
    """A function that makes a dataset, and its keywords."""

    function: Callable[..., Dataset]
    keywords: Mapping[str, Any] = field(default_factory=dict)

    def make(self, seed: int = 0) -> Dataset:
        """Raises UserError: it does not support sizes as small as `SIZES`."""
        return self.function(SIZES, seed, **self.keywords)


def splits_of(made: Dataset) -> Iterator[tuple[str, Split, int]]:
    """(name, split, requested size) of each split.

    Raises:
        LawError: a split is missing.
    """
    for name, size in zip(SPLITS, SIZES, strict=True):
        require(name in made.splits, f"there is no split {name}; there must be {', '.join(SPLITS)}")
        yield name, made.splits[name], size


@law()
def each_split_has_the_requested_size(function: DatasetFunction) -> None:
    """Each split has the requested number of items, each with its condition and its label."""
    for name, split, size in splits_of(function.make()):
        for what, array in split.arrays().items():
            require(len(array) == size, f"{what} of {name} has {len(array)} items; {size} were requested")


@law()
def x_matches_the_event(function: DatasetFunction) -> None:
    """x has the shape of the event: levels below L as uint8, or finite real values as float32."""
    made = function.make()
    levels, dtype = made.event.levels, np.float32 if made.event.levels is None else np.uint8
    for name, split, _ in splits_of(made):
        x = split.x
        require(x.shape[1:] == made.event.shape, f"x of {name} is {x.shape[1:]}; its event says {made.event.shape}")
        require(x.dtype == dtype, f"x of {name} is {x.dtype}; it must be {np.dtype(dtype)}")
        require(np.isfinite(x).all(), f"x of {name} is not finite")
        require(levels is None or x.max() < levels, f"x of {name} reaches {x.max()}; its event has {levels} levels")


@law()
def c_matches_the_condition(function: DatasetFunction) -> None:
    """c has the shape, the dtype and the range of its condition."""
    made = function.make()
    for name, split, _ in splits_of(made):
        c, shape = split.c, made.condition.shape
        require(c.shape[1:] == shape, f"c of {name} is {c.shape[1:]}; its condition says {shape}")
        dtype = np.dtype(np.int64 if made.condition.kind in INTEGER_CONDITIONS else np.float32)
        require(c.dtype == dtype, f"c of {name} is {c.dtype}; it must be {dtype}")
        require(_is_in_range(made.condition, c), f"c of {name} is out of the range of a {made.condition.kind}")


@law()
def labels_and_factors_are_indices_in_range(function: DatasetFunction) -> None:
    """Labels, factors and sources, if present, are int64 and not negative; a factor is below its number of values."""
    made = function.make()
    sizes = [len(factor.weights) for factor in made.factors]
    for name, split, _ in splits_of(made):
        if split.label is not None:
            _require_indices(f"label of {name}", split.label, ())
        require((split.factors is None) == (not sizes), f"{name} and the dataset do not declare the same factors")
        if split.factors is not None:
            _require_indices(f"factors of {name}", split.factors, (len(sizes),))
            require((split.factors < sizes).all(), f"factors of {name} are out of range")
        if split.sources is not None:
            _require_indices(f"sources of {name}", split.sources, split.sources.shape[1:2])
    labelled = {name for name, split, _ in splits_of(made) if split.label is not None}
    require(
        len(labelled) in (0, len(SPLITS)), f"only {', '.join(sorted(labelled))} is labelled: label every split or none"
    )


@law()
def intensities_belong_to_binary_training_images(function: DatasetFunction) -> None:
    """`intensity`, if present, is uint8 of the shape of x, in train only, and x has two levels."""
    made = function.make()
    for name, split, _ in splits_of(made):
        if split.intensity is None:
            continue
        require(name == "train", f"{name} has an intensity; only train is re-binarised")
        require(made.event.levels == 2, f"{name} has an intensity, and its event has {made.event.levels} levels, not 2")
        fits = split.intensity.dtype == np.uint8 and split.intensity.shape == split.x.shape
        require(fits, f"the intensity of {name} must be uint8 of the shape of x, {split.x.shape}")


@law()
def the_scale_is_that_of_the_training_split(function: DatasetFunction) -> None:
    """The scale of real values is within a factor of two of the largest magnitude in the training split."""
    made = function.make()
    if made.event.levels is None:
        largest = float(np.abs(made.splits["train"].x).max())
        fits = largest / 2 <= made.event.scale <= 2 * largest
        require(fits, f"the event's scale is {made.event.scale:.3g}; the largest value of train is {largest:.3g}")


def _is_in_range(condition: Condition, c: NDArray[Any]) -> bool:
    low, high = {"box": (0, 1), "grayscale": (-1, 1)}.get(condition.kind, (0, condition.size - 1))
    return bool(((c >= low) & (c <= high)).all())  # true if c has no elements


def _require_indices(what: str, array: NDArray[Any], shape: tuple[int, ...]) -> None:
    require(array.shape[1:] == shape, f"{what} is {array.shape[1:]}; each item's must be {shape}")
    require(array.dtype == np.int64, f"{what} is {array.dtype}; it must be int64")
    require((array >= 0).all(), f"{what} reaches {array.min(initial=0)}; it must be 0 or more")


@law()
def the_seed_alone_decides(function: DatasetFunction) -> None:
    """The same sizes and seed give the same bytes, whatever the state of global random generators."""
    np.random.seed(1)
    torch.manual_seed(1)
    before = function.make()
    np.random.seed(2)
    torch.manual_seed(2)
    for name, split, _ in splits_of(function.make()):
        for what, array in split.arrays().items():
            same = np.array_equal(array, before.splits[name].arrays()[what])
            require(same, f"{what} of {name} differs from call to call: draw with np.random.default_rng(seed)")


@law()
def another_seed_draws_others(function: DatasetFunction) -> None:
    """Another seed gives another training split: other items, or another selection of the available ones."""
    same = np.array_equal(function.make(0).splits["train"].x, function.make(1).splits["train"].x)
    require(not same, "train is the same with another seed: draw with np.random.default_rng(seed)")


@law()
def no_split_repeats_another(function: DatasetFunction) -> None:
    """No item of real values is in two splits; others repeat across splits no more often than within train."""
    made = function.make()
    rows = {name: _rows(split.x) for name, split, _ in splits_of(made)}
    counts = Counter(rows["train"])
    own = sum(count for count in counts.values() if count > 1) / max(1, len(rows["train"]))
    rate = own if made.event.levels is not None else 0.0
    for name, other in (("validation", "train"), ("test", "train"), ("test", "validation")):
        known, count = set(rows[other]), len(rows[name])
        repeats = sum(row in known for row in rows[name])
        allowed = count * rate + DEVIATIONS * math.sqrt(count * rate * (1 - rate))
        require(
            repeats <= allowed,
            f"{repeats} of {count} items of {name} are in {other} too, and {own:.0%} of train repeat within it",
        )


def _rows(x: NDArray[Any]) -> list[bytes]:
    return [row.tobytes() for row in x]


LAWS: tuple[Law[DatasetFunction], ...] = (
    each_split_has_the_requested_size,
    x_matches_the_event,
    c_matches_the_condition,
    labels_and_factors_are_indices_in_range,
    intensities_belong_to_binary_training_images,
    the_seed_alone_decides,
    another_seed_draws_others,
    no_split_repeats_another,
    the_scale_is_that_of_the_training_split,
)
