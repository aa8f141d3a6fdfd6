"""Three digits in the three channels of one image: 10 x 10 x 10 = 1,000 modes, all equally likely, all known.

Each channel's class is drawn first and then one of its images, so that P(mode) is 1 / 1,000 whatever the shares of the
classes are. `sources` holds the rows of the three images in their split, as images that share a digit are not
independent. The digits of a split come from the same split of their source: a test image holds none that was trained
on. With MNIST this is the published stacked MNIST (Metz et al. 2017, arXiv:1611.02163; Srivastava et al. 2017,
arXiv:1705.07761).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipeline.contract import Event, Factor
from pipeline.data.dataset import SPLITS, Dataset, Sizes, Split, unconditional
from pipeline.data.digits import CLASSES, digits
from pipeline.data.torchvision_datasets import mnist

DIGITS, MNIST = Sizes(1297, 250, 250), Sizes(50_000, 10_000, 10_000)
"""Digits to stack, by split: all that there are."""
CHANNELS = ("red", "green", "blue")
FACTORS = tuple(Factor(name, (1 / CLASSES,) * CLASSES, channel) for channel, name in enumerate(CHANNELS))


def stacked_digits(sizes: Sizes, seed: int) -> Dataset:
    """UCI handwritten digits, 3 x 8 x 8, 17 levels."""
    return _stacked(digits(DIGITS, 0), sizes, seed)


def stacked_mnist(sizes: Sizes, seed: int, *, data_root: Path) -> Dataset:
    """The user's own copy of MNIST from `data_root`/MNIST/raw, 3 x 28 x 28, 256 levels.

    Raises:
        UserError: a file is missing or damaged.
    """
    return _stacked(mnist(MNIST, 0, data_root=data_root), sizes, seed)


def _stacked(source: Dataset, sizes: Sizes, seed: int) -> Dataset:
    streams = np.random.default_rng(seed).spawn(len(SPLITS))
    splits = {
        name: stacked(source.splits[name], count, rng) for name, count, rng in zip(SPLITS, sizes, streams, strict=True)
    }
    event = Event((len(CHANNELS), *source.event.shape[1:]), levels=source.event.levels)
    return Dataset(event, splits, factors=FACTORS)


def stacked(source: Split, count: int, rng: np.random.Generator) -> Split:
    """So many images, each of three labelled ones of `source`, (N, 1, H, W)."""
    assert source.label is not None
    order, there = np.argsort(source.label, kind="stable"), np.bincount(source.label, minlength=CLASSES)
    value = rng.integers(CLASSES, size=(count, len(CHANNELS)))
    first = np.concatenate([[0], there.cumsum()[:-1]])
    rows = order[first[value] + rng.integers(there[value])]  # (N, 3)
    return Split(source.x[rows][:, :, 0], unconditional(count), factors=value, sources=rows.astype(np.int64))
