"""Laws of an extractor: a function (dataset, x, label, *, keywords) -> Extractor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from pipeline.contract import Batch
from pipeline.laws.law import Law, law, require
from pipeline.laws.problem import Problem, batch
from pipeline.metrics.features import Extractor

ITEMS, CLASSES = 48, 3


@dataclass(frozen=True)
class Reader:
    """An extractor's function on a toy event: what these laws are put to."""

    function: Callable[..., Extractor]
    event: str
    keywords: Mapping[str, Any] = field(default_factory=dict)

    def data(self) -> Batch:
        """x (ITEMS, *event) and labels (ITEMS,)."""
        torch.manual_seed(0)
        x, _ = batch(Problem(self.event, "none").task, ITEMS)
        return x, torch.arange(ITEMS) % CLASSES

    def fit(self) -> Extractor:
        """Raises UserError: it refuses such events."""
        return self.function("toy", *self.data(), **self.keywords)


@law()
def features_are_one_finite_row_per_item(reader: Reader) -> None:
    """`extract` gives one finite float32 row of `size` numbers for each item."""
    extractor = reader.fit()
    features = extractor.extract(reader.data()[0])
    expected = (ITEMS, extractor.size)
    require(tuple(features.shape) == expected, f"features have shape {tuple(features.shape)}; it must be {expected}")
    require(features.dtype == torch.float32, f"features are {features.dtype}; they must be torch.float32")
    require(torch.isfinite(features).all(), "some features are not finite")


@law()
def features_are_the_same_each_time(reader: Reader) -> None:
    """The same items get the same features, alone or among others."""
    extractor, (x, _) = reader.fit(), reader.data()
    whole = extractor.extract(x)
    require(torch.equal(whole, extractor.extract(x)), "the same items got other features: is it in evaluation mode?")
    alone = torch.allclose(whole[:5], extractor.extract(x[:5]), rtol=1e-4, atol=1e-5)  # kernels differ by batch size
    require(alone, "an item's features depend on what else is in its batch")


@law()
def an_id_names_the_weights(reader: Reader) -> None:
    """Fitting again gives the same `id`: the words by which numbers may be compared."""
    first, second = reader.fit().id, reader.fit().id
    require(isinstance(first, str) and first, "its id is no word")
    require(first == second, f"fitted twice on the same data it is called {first} and {second}")


LAWS: tuple[Law[Reader], ...] = (
    features_are_one_finite_row_per_item,
    features_are_the_same_each_time,
    an_id_names_the_weights,
)
