"""A law tells which dataset breaks it, in words, and no right one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from verdicts import broken, told

from pipeline.contract import Condition, Event
from pipeline.data.dataset import SPLITS, Dataset, Sizes, Split, unconditional
from pipeline.laws import inspection


def made(sizes: Sizes, seed: int, **changes: Any) -> Dataset:
    rng = np.random.default_rng(seed)
    splits = {
        name: Split(rng.normal(size=(n, 2)).astype(np.float32), unconditional(n))
        for name, n in zip(SPLITS, sizes, strict=True)
    }
    scale = float(np.abs(splits["train"].x).max())
    return Dataset(Event((2,), scale=scale), splits, **changes)


def unseeded(sizes: Sizes, seed: int) -> Dataset:
    return made(sizes, int(np.random.randint(1000)))


def copied(found: Dataset, name: str, source: str, count: int) -> Dataset:
    """The first items of a split are those of another."""
    x = found.splits[name].x.copy()
    x[:count] = found.splits[source].x[:count]
    return changed(found, name, x=x)


def changed(found: Dataset, name: str, **changes: Any) -> Dataset:
    return replace(found, splits=found.splits | {name: replace(found.splits[name], **changes)})


def repeating(sizes: Sizes, seed: int) -> Dataset:
    return copied(made(sizes, seed), "test", "train", 1)


def repeating_later(sizes: Sizes, seed: int) -> Dataset:
    return copied(made(sizes, seed), "test", "validation", 8)


def set_in_stone(sizes: Sizes, seed: int) -> Dataset:
    return made(sizes, 0)


def images(sizes: Sizes, seed: int, side: int = 8, levels: int = 2) -> Dataset:
    rng = np.random.default_rng(seed)
    splits = {
        name: Split(rng.integers(levels, size=(n, 1, side, side), dtype=np.uint8), unconditional(n), np.arange(n) % 3)
        for name, n in zip(SPLITS, sizes, strict=True)
    }
    return Dataset(Event((1, side, side), levels=levels), splits)


def few(sizes: Sizes, seed: int) -> Dataset:
    """16 images there are, so all of them are in train."""
    return images(sizes, seed, side=2)


def binarised(sizes: Sizes, seed: int) -> Dataset:
    found = images(sizes, seed)
    return changed(found, "train", intensity=100 + found.splits["train"].x)


def leaking(sizes: Sizes, seed: int) -> Dataset:
    return copied(images(sizes, seed), "validation", "train", 2)


def mislabelled(sizes: Sizes, seed: int) -> Dataset:
    return changed(images(sizes, seed), "test", label=np.arange(sizes.test) / 2)


def from_minus_one(sizes: Sizes, seed: int) -> Dataset:
    return changed(images(sizes, seed), "train", label=np.arange(sizes.train) - 1)


def half_labelled(sizes: Sizes, seed: int) -> Dataset:
    return changed(images(sizes, seed), "test", label=None)


def unnamed(sizes: Sizes, seed: int) -> Dataset:
    return changed(images(sizes, seed), "train", factors=np.zeros((sizes.train, 1), np.int64))


def always_anew(sizes: Sizes, seed: int) -> Dataset:
    return changed(binarised(sizes, seed), "test", intensity=images(sizes, seed).splits["test"].x)


def grey_anew(sizes: Sizes, seed: int) -> Dataset:
    found = images(sizes, seed, levels=3)
    return changed(found, "train", intensity=found.splits["train"].x)


def conditional(sizes: Sizes, seed: int) -> Dataset:
    return made(sizes, seed, condition=Condition("class", (), 2))


def larger(sizes: Sizes, seed: int) -> Dataset:
    return made(Sizes(9, 9, 9), seed)


def flat(sizes: Sizes, seed: int) -> Dataset:
    found = made(sizes, seed)
    return Dataset(Event((2,), scale=100.0), found.splits)


@pytest.mark.parametrize("function", [made, images, few, binarised])
def test_a_right_dataset_breaks_none(function: Callable[..., Dataset]) -> None:
    assert not broken(inspection.dataset(function))


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (unseeded, "differs from call to call"),
        (set_in_stone, "train is the same under another seed"),
        (repeating, "1 of 16 items of test are in train too"),
        (repeating_later, "8 of 16 items of test are in validation too"),
        (leaking, "2 of 16 items of validation are in train too"),
        (conditional, "c of train is (0,)"),
        (larger, "x of train has 9 items; asked for were 64"),
        (flat, "the event's scale is 100"),
        (mislabelled, "label of test is float64; it must be int64"),
        (from_minus_one, "label of train reaches -1; it starts at 0"),
        (half_labelled, "only train, validation is labelled"),
        (unnamed, "train and the dataset do not name the same factors"),
        (always_anew, "test has an intensity; train alone is drawn anew"),
        (grey_anew, "its event 3 levels, not 2"),
    ],
)
def test_a_dataset_that_breaks_a_law_is_told_so(function: Callable[..., Dataset], words: str) -> None:
    found = list(inspection.dataset(function))
    assert told(words, found), broken(found)
