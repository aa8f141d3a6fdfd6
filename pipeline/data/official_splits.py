"""Datasets that are published with their own splits: a seed selects the images, and no image is in two splits."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.contract import Condition, ConditionKind, Event
from pipeline.data.conditions import luma
from pipeline.data.dataset import SPLITS, Dataset, Sizes, Split, unconditional
from pipeline.data.image_transform import ImageTransform
from pipeline.errors import UserError


class Labelled(NamedTuple):
    """Images uint8 (N, C, H, W) as stored, and their labels int64 (N,) from 0 to classes - 1."""

    x: NDArray[np.uint8]
    label: NDArray[np.int64]


def from_train_and_test(
    name: str,
    train: Labelled,
    test: Labelled,
    classes: int,
    *,
    sizes: Sizes,
    seed: int,
    kind: ConditionKind,
    transform: ImageTransform,
) -> Dataset:
    """Draw train and validation from the official training images, test from the official test images.

    Raises:
        UserError: there are too few images, or they are smaller than the crop.
    """
    _check_count(name, "training images; train + validation", sizes.train + sizes.validation, len(train.x))
    _check_count(name, "test images; test", sizes.test, len(test.x))
    rows, test_rows = (
        rng.permutation(len(part.x))
        for rng, part in zip(np.random.default_rng(seed).spawn(2), (train, test), strict=True)
    )
    selected = {
        "train": (train, rows[: sizes.train]),
        "validation": (train, rows[sizes.train : sizes.train + sizes.validation]),
        "test": (test, test_rows[: sizes.test]),
    }
    splits = {
        split: make_split(transform.apply(part.x[rows]), part.label[rows], kind, transform.levels)
        for split, (part, rows) in selected.items()
    }
    return make_dataset(splits, kind, transform.levels, classes)


def draw_rows(name: str, available: Sizes, sizes: Sizes, seed: int) -> dict[str, NDArray[Any]]:
    """Draw the rows of each split of a dataset that is published with all three.

    Raises:
        UserError: a split has too few images.
    """
    rows = {}
    streams = np.random.default_rng(seed).spawn(len(SPLITS))
    for split, count, wanted, rng in zip(SPLITS, available, sizes, streams, strict=True):
        _check_count(name, f"{split} images; {split}", wanted, count)
        rows[split] = rng.permutation(count)[:wanted]
    return rows


def make_split(x: NDArray[np.uint8], label: NDArray[np.int64] | None, kind: ConditionKind, levels: int) -> Split:
    """Levels (N, C, H, W) with their conditions: none, the labels, or the luma."""
    if kind == "class" and label is not None:
        return Split(x, label, label)
    return Split(x, luma(x, levels) if kind == "grayscale" else unconditional(len(x)), label)


def make_dataset(splits: dict[str, Split], kind: ConditionKind, levels: int, classes: int) -> Dataset:
    """Splits with their event and condition."""
    condition = Condition(kind, splits["train"].c.shape[1:], classes if kind == "class" else 0)
    return Dataset(Event(splits["train"].x.shape[1:], levels=levels), splits, condition)


def _check_count(name: str, what: str, wanted: int, available: int) -> None:
    if wanted > available:
        raise UserError(f"{name} has {available} {what} = {wanted} is too many")
