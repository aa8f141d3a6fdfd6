"""Laws of what each split holds: x, c, labels, factors and intensities are what the event and the condition say."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.contract import Condition
from pipeline.data.dataset import SPLITS
from pipeline.laws.law import law, require
from pipeline.laws.source import Source, splits_of

WHOLE = ("class", "segmentation")
"""Conditions whose numbers are whole."""


@law()
def each_split_has_the_size_that_is_asked_for(source: Source) -> None:
    """Each split has as many items as asked for, each with its condition and its label."""
    for name, split, size in splits_of(source.make()):
        for what, array in split.arrays().items():
            require(len(array) == size, f"{what} of {name} has {len(array)} items; asked for were {size}")


@law()
def x_is_what_the_event_says(source: Source) -> None:
    """x has the shape of the event: levels below L as uint8, or finite points as float32."""
    made = source.make()
    levels, dtype = made.event.levels, np.float32 if made.event.levels is None else np.uint8
    for name, split, _ in splits_of(made):
        x = split.x
        require(x.shape[1:] == made.event.shape, f"x of {name} is {x.shape[1:]}; its event says {made.event.shape}")
        require(x.dtype == dtype, f"x of {name} is {x.dtype}; it must be {np.dtype(dtype)}")
        require(np.isfinite(x).all(), f"x of {name} is not finite")
        require(levels is None or x.max() < levels, f"x of {name} reaches {x.max()}; its event has {levels} levels")


@law()
def c_is_what_the_condition_says(source: Source) -> None:
    """c has the shape, the kind of number and the range of its condition."""
    made = source.make()
    for name, split, _ in splits_of(made):
        c, shape = split.c, made.condition.shape
        require(c.shape[1:] == shape, f"c of {name} is {c.shape[1:]}; its condition says {shape}")
        dtype = np.dtype(np.int64 if made.condition.kind in WHOLE else np.float32)
        require(c.dtype == dtype, f"c of {name} is {c.dtype}; it must be {dtype}")
        require(_within(made.condition, c), f"c of {name} leaves the range of a {made.condition.kind}")


@law()
def labels_and_factors_are_whole_numbers_in_range(source: Source) -> None:
    """Labels, factors and sources, where there are any, are int64 from 0, a factor below as many values as it has."""
    made = source.make()
    shares = [len(factor.weights) for factor in made.factors]
    for name, split, _ in splits_of(made):
        if split.label is not None:
            _whole(f"label of {name}", split.label, ())
        require((split.factors is None) == (not shares), f"{name} and the dataset do not name the same factors")
        if split.factors is not None:
            _whole(f"factors of {name}", split.factors, (len(shares),))
            require((split.factors < shares).all(), f"factors of {name} leave their range")
        if split.sources is not None:
            _whole(f"sources of {name}", split.sources, split.sources.shape[1:2])
    known = {name for name, split, _ in splits_of(made) if split.label is not None}
    require(len(known) in (0, len(SPLITS)), f"only {', '.join(sorted(known))} is labelled: label every split or none")


@law()
def intensities_belong_to_binary_training_images(source: Source) -> None:
    """`intensity`, where there is one, is uint8 of the shape of x, of train alone, and x has two levels."""
    made = source.make()
    for name, split, _ in splits_of(made):
        if split.intensity is None:
            continue
        require(name == "train", f"{name} has an intensity; train alone is drawn anew")
        require(made.event.levels == 2, f"{name} has an intensity, and its event {made.event.levels} levels, not 2")
        fits = split.intensity.dtype == np.uint8 and split.intensity.shape == split.x.shape
        require(fits, f"the intensity of {name} must be uint8 of the shape of x, {split.x.shape}")


@law()
def the_scale_is_that_of_the_training_split(source: Source) -> None:
    """The scale of points is positive and of the size of the training split's largest magnitude."""
    made = source.make()
    if made.event.levels is None:
        largest = float(np.abs(made.splits["train"].x).max())
        fits = largest / 2 <= made.event.scale <= 2 * largest
        require(fits, f"the event's scale is {made.event.scale:.3g}; the largest value of train is {largest:.3g}")


def _within(condition: Condition, c: NDArray[Any]) -> bool:
    low, high = {"box": (0, 1), "grayscale": (-1, 1)}.get(condition.kind, (0, condition.size - 1))
    return bool(((c >= low) & (c <= high)).all())  # of nothing too


def _whole(what: str, array: NDArray[Any], shape: tuple[int, ...]) -> None:
    require(array.shape[1:] == shape, f"{what} is {array.shape[1:]}; each item's must be {shape}")
    require(array.dtype == np.int64, f"{what} is {array.dtype}; it must be int64")
    require((array >= 0).all(), f"{what} reaches {array.min(initial=0)}; it starts at 0")
