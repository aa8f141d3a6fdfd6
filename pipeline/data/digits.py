"""UCI handwritten digits as scikit-learn ships them: 1,797 images, 8x8, 17 levels (0 to 16), 10 classes.

Each pixel counts the set bits of a 4x4 block of a 32x32 bitmap (Alpaydin & Kaynak 1998), so the levels are exact.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from pipeline.contract import Event
from pipeline.data import conditions
from pipeline.data.dataset import SPLITS, Dataset, Sizes, Split, unconditional
from pipeline.errors import UserError

CLASSES = 10


def digits(sizes: Sizes, seed: int, *, condition: Literal["none", "class", "box"] = "none") -> Dataset:
    """Three disjoint random splits; the class is the digit, the box is that of its ink.

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
    told = {"none": unconditional(len(images)), "class": labels, "box": conditions.boxes(images[:, 0] > 0)}[condition]
    splits = {n: Split(images[p], told[p], labels[p]) for n, p in zip(SPLITS, parts, strict=True)}
    described = conditions.condition(condition, (8, 8), CLASSES if condition == "class" else 0)
    return Dataset(Event((1, 8, 8), levels=17), splits, described)
