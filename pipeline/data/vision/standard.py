"""What most standard image sets share: the keywords, each of them written once.

Such a set is defined by how it is read, a function data_root -> `Official`; `gray` and `colour` make a dataset of it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from pipeline.data.dataset import Dataset, Sizes
from pipeline.data.frame import Levels, View
from pipeline.data.vision import official
from pipeline.data.vision.official import Official
from pipeline.params import Count

Read = Callable[[Path], Official]
Make = Callable[..., Dataset]


def gray(read: Read) -> Make:
    """A set of one channel, which is its own luma."""

    def dataset(
        sizes: Sizes,
        seed: int,
        *,
        data_root: Path,
        condition: Literal["none", "class"] = "none",
        side: Count | None = None,
        crop: Count | None = None,
        levels: Levels = 256,
    ) -> Dataset:
        return official.dataset(read(data_root), sizes, seed, condition, View(side, crop, levels))

    return _known_as(read, dataset)


def colour(read: Read) -> Make:
    """A set of three channels, which can be told their luma."""

    def dataset(
        sizes: Sizes,
        seed: int,
        *,
        data_root: Path,
        condition: Literal["none", "class", "grayscale"] = "none",
        side: Count | None = None,
        crop: Count | None = None,
        levels: Levels = 256,
    ) -> Dataset:
        return official.dataset(read(data_root), sizes, seed, condition, View(side, crop, levels))

    return _known_as(read, dataset)


def _known_as(read: Read, dataset: Make) -> Make:
    """Not `functools.wraps`: the signature has to stay the dataset's, for params.yaml is checked against it."""
    for word in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(dataset, word, getattr(read, word))
    return dataset
