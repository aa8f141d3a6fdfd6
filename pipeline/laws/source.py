"""A dataset's function, and what it makes: what the laws of datasets are put to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.data.dataset import SPLITS, Dataset, Sizes, Split
from pipeline.laws.law import require

SIZES = Sizes(64, 16, 16)


@dataclass(frozen=True)
class Source:
    """A dataset's function: what these laws are put to."""

    function: Callable[..., Dataset]
    keywords: Mapping[str, Any] = field(default_factory=dict)

    def make(self, seed: int = 0) -> Dataset:
        """Raises UserError: it refuses sizes as small as `SIZES`."""
        return self.function(SIZES, seed, **self.keywords)


def splits_of(made: Dataset) -> Iterator[tuple[str, Split, int]]:
    """Name, split and the size that was asked for.

    Raises:
        BrokenLawError: a split is missing.
    """
    for name, size in zip(SPLITS, SIZES, strict=True):
        require(name in made.splits, f"there is no split {name}; there must be {', '.join(SPLITS)}")
        yield name, made.splits[name], size
