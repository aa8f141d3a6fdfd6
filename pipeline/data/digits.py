"""UCI handwritten digits as scikit-learn ships them: 1,797 images, 8x8, 17 levels (0 to 16), 10 classes.

Each pixel counts the set bits of a 4x4 block of a 32x32 bitmap (Alpaydin & Kaynak 1998), so the levels are exact.

Stacked digits have three of them in the three channels of an image: 10 x 10 x 10 = 1,000 modes, all equally likely, all
known. Each channel's class is drawn first and then one of its images, so that P(mode) is 1 / 1,000 whatever the shares
of the classes are. `sources` holds the rows of the three images in their split, as images that share a digit are not
independent. The digits of a split come from the same split of their source: a test image holds none that was trained
on. With MNIST this is the published stacked MNIST (Metz et al. 2017, arXiv:1611.02163; Srivastava et al. 2017,
arXiv:1705.07761).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from pipeline.contract import Event, Factor
from pipeline.data import conditions
from pipeline.data.dataset import SPLITS, Dataset, Sizes, Split, unconditional
from pipeline.data.torchvision_datasets import mnist
from pipeline.errors import UserError

CLASSES = 10
ALL_DIGITS, ALL_MNIST = Sizes(1297, 250, 250), Sizes(50_000, 10_000, 10_000)
"""The images that are stacked, by split: all that there are."""
CHANNELS = ("red", "green", "blue")
FACTORS = tuple(Factor(name, (1 / CLASSES,) * CLASSES, channel) for channel, name in enumerate(CHANNELS))


def digits(sizes: Sizes, seed: int, *, condition: Literal["none", "class", "box"] = "none") -> Dataset:
    """Three disjoint random splits; the class is the digit, the box the bounding box of the non-zero pixels.

    Raises:
        UserError: the sizes add up to more than 1,797.
    """
    from sklearn.datasets import load_digits

    source = load_digits()
    images, labels = source.images.astype(np.uint8)[:, None], source.target.astype(np.int64)  # (N, 1, 8, 8), (N,)
    if sum(sizes) > len(images):
        raise UserError(f"digits has {len(images)} images; train + validation + test = {sum(sizes)} is too many")
    order = np.random.default_rng(seed).permutation(len(images))
    parts = np.split(order[: sum(sizes)], np.cumsum(sizes)[:-1])
    c = {"none": unconditional(len(images)), "class": labels, "box": conditions.boxes(images[:, 0] > 0)}[condition]
    splits = {n: Split(images[p], c[p], labels[p]) for n, p in zip(SPLITS, parts, strict=True)}
    described = conditions.describe(condition, (8, 8), CLASSES if condition == "class" else 0)
    return Dataset(Event((1, 8, 8), levels=17), splits, described)


def stacked_digits(sizes: Sizes, seed: int) -> Dataset:
    """UCI handwritten digits, 3 x 8 x 8, 17 levels."""
    return _stacked(digits(ALL_DIGITS, 0), sizes, seed)


def stacked_mnist(sizes: Sizes, seed: int, *, data_root: Path) -> Dataset:
    """The user's own copy of MNIST from `data_root`/MNIST/raw, 3 x 28 x 28, 256 levels.

    Raises:
        UserError: a file is missing or damaged.
    """
    return _stacked(mnist(ALL_MNIST, 0, data_root=data_root), sizes, seed)


def _stacked(source: Dataset, sizes: Sizes, seed: int) -> Dataset:
    streams = np.random.default_rng(seed).spawn(len(SPLITS))
    splits = {
        name: stack(source.splits[name], count, rng) for name, count, rng in zip(SPLITS, sizes, streams, strict=True)
    }
    event = Event((len(CHANNELS), *source.event.shape[1:]), levels=source.event.levels)
    return Dataset(event, splits, factors=FACTORS)


def stack(source: Split, count: int, rng: np.random.Generator) -> Split:
    """Draw `count` images, each of three labelled ones of `source`, (N, 1, H, W)."""
    assert source.label is not None
    order, available = np.argsort(source.label, kind="stable"), np.bincount(source.label, minlength=CLASSES)
    value = rng.integers(CLASSES, size=(count, len(CHANNELS)))
    first = np.concatenate([[0], available.cumsum()[:-1]])
    rows = order[first[value] + rng.integers(available[value])]  # (N, 3)
    return Split(source.x[rows][:, :, 0], unconditional(count), factors=value, sources=rows.astype(np.int64))
