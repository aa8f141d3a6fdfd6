"""Official splits -> train, validation and test: a seed decides which images, and none is in two of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.contract import Condition, ConditionKind, Event
from pipeline.data.conditions import luma
from pipeline.data.dataset import SPLITS, Dataset, Sizes, Split, unconditional
from pipeline.data.frame import View
from pipeline.errors import UserError


class Labelled(NamedTuple):
    """x uint8 (N, C, H, W) as stored, label int64 (N,) below the number of classes."""

    x: NDArray[np.uint8]
    label: NDArray[np.int64]


class Official(NamedTuple):
    """A dataset that comes in two parts."""

    name: str
    train: Labelled
    test: Labelled
    classes: int


def dataset(source: Official, sizes: Sizes, seed: int, kind: ConditionKind, view: View) -> Dataset:
    """Train and validation from the official training images, test from the official test images.

    Raises:
        UserError: there are too few images, or they are smaller than the view's crop.
    """
    train, test = source.train, source.test
    _enough(source.name, "training images; train + validation", sizes.train + sizes.validation, len(train.x))
    _enough(source.name, "test images; test", sizes.test, len(test.x))
    streams = np.random.default_rng(seed).spawn(2)
    learning, testing = (rng.permutation(len(part.x)) for rng, part in zip(streams, (train, test), strict=True))
    splits = {
        "train": _split(train, learning[: sizes.train], kind, view),
        "validation": _split(train, learning[sizes.train : sizes.train + sizes.validation], kind, view),
        "test": _split(test, testing[: sizes.test], kind, view),
    }
    return described(splits, kind, view.levels, source.classes)


def parts(name: str, there: Sizes, sizes: Sizes, seed: int) -> dict[str, NDArray[Any]]:
    """Rows of a random part of each split, for a dataset that comes in three.

    Raises:
        UserError: a split has too few images.
    """
    streams = np.random.default_rng(seed).spawn(len(SPLITS))
    rows = {}
    for split, count, wanted, rng in zip(SPLITS, there, sizes, streams, strict=True):
        _enough(name, f"{split} images; {split}", wanted, count)
        rows[split] = rng.permutation(count)[:wanted]
    return rows


def told(x: NDArray[np.uint8], label: NDArray[np.int64] | None, kind: ConditionKind, levels: int) -> Split:
    """Levels (N, C, H, W) with what the condition says of them."""
    if kind == "class" and label is not None:
        return Split(x, label, label)
    return Split(x, luma(x, levels) if kind == "grayscale" else unconditional(len(x)), label)


def described(splits: dict[str, Split], kind: ConditionKind, levels: int, classes: int) -> Dataset:
    """Splits with their event and condition; `classes`: how many there are."""
    condition = Condition(kind, splits["train"].c.shape[1:], classes if kind == "class" else 0)
    return Dataset(Event(splits["train"].x.shape[1:], levels=levels), splits, condition)


def _split(source: Labelled, rows: NDArray[Any], kind: ConditionKind, view: View) -> Split:
    return told(view.levels_of(source.x[rows]), source.label[rows], kind, view.levels)


def _enough(name: str, what: str, wanted: int, there: int) -> None:
    if wanted > there:
        raise UserError(f"{name} has {there} {what} = {wanted} is too many")
