"""Each law of datasets fails, with the reason, on a dataset that breaks it, and passes on correct ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from verdicts import failures, reports

from pipeline.conformance import inspection
from pipeline.contract import Condition, Event
from pipeline.data.dataset import SPLITS, Dataset, Sizes, Split, unconditional


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


def ignoring_the_seed(sizes: Sizes, seed: int) -> Dataset:
    return made(sizes, 0)


def images(sizes: Sizes, seed: int, side: int = 8, levels: int = 2) -> Dataset:
    rng = np.random.default_rng(seed)
    splits = {
        name: Split(rng.integers(levels, size=(n, 1, side, side), dtype=np.uint8), unconditional(n), np.arange(n) % 3)
        for name, n in zip(SPLITS, sizes, strict=True)
    }
    return Dataset(Event((1, side, side), levels=levels), splits)


def few(sizes: Sizes, seed: int) -> Dataset:
    """There are only 16 images, so all of them are in train."""
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


def rebinarised_test(sizes: Sizes, seed: int) -> Dataset:
    return changed(binarised(sizes, seed), "test", intensity=images(sizes, seed).splits["test"].x)


def rebinarised_grey(sizes: Sizes, seed: int) -> Dataset:
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
def test_a_correct_dataset_passes(function: Callable[..., Dataset]) -> None:
    assert not failures(inspection.inspect_dataset(function))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (unseeded, "differs from call to call"),
        (ignoring_the_seed, "train is the same with another seed"),
        (repeating, "1 of 16 items of test are in train too"),
        (repeating_later, "8 of 16 items of test are in validation too"),
        (leaking, "2 of 16 items of validation are in train too"),
        (conditional, "c of train is (0,)"),
        (larger, "x of train has 9 items; 64 were requested"),
        (flat, "the event's scale is 100"),
        (mislabelled, "label of test is float64; it must be int64"),
        (from_minus_one, "label of train reaches -1; it must be 0 or more"),
        (half_labelled, "only train, validation is labelled"),
        (unnamed, "train and the dataset do not declare the same factors"),
        (rebinarised_test, "test has an intensity; only train is re-binarised"),
        (rebinarised_grey, "its event has 3 levels, not 2"),
    ],
)
def test_a_dataset_that_breaks_a_law_fails_with_the_reason(function: Callable[..., Dataset], message: str) -> None:
    found = list(inspection.inspect_dataset(function))
    assert reports(message, found), failures(found)
