"""Laws of an extractor: a function (dataset, x, label, *, keywords) -> Extractor."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, get_type_hints

import torch
from safetensors.torch import load

from pipeline.contract import Batch
from pipeline.laws.law import BrokenLawError, Law, law, require
from pipeline.laws.problem import Problem, batch
from pipeline.metrics.features import Extractor
from pipeline.metrics.network import weights

ITEMS, CLASSES = 48, 3


@dataclass(frozen=True)
class Reader:
    """An extractor's function on a toy event: what these laws are put to."""

    function: Callable[..., Extractor]
    event: str
    keywords: Mapping[str, Any] = field(default_factory=dict)

    def data(self, seed: int = 0) -> Batch:
        """x (ITEMS, *event) and labels (ITEMS,)."""
        torch.manual_seed(seed)
        x, _ = batch(Problem(self.event, "none").task, ITEMS)
        return x, torch.arange(ITEMS) % CLASSES

    @cached_property
    def fitted(self) -> Extractor:
        """One to ask; fitting may take seconds."""
        return self.fit()

    def fit(self, seed: int = 0) -> Extractor:
        """Raises UserError: it refuses such events."""
        return self.function("toy", *self.data(seed), **self.keywords)


@law()
def features_are_one_finite_row_per_item(reader: Reader) -> None:
    """`extract` gives one finite float32 row of `size` numbers for each item."""
    extractor = reader.fitted
    features = extractor.extract(reader.data()[0])
    expected = (ITEMS, extractor.size)
    require(tuple(features.shape) == expected, f"features have shape {tuple(features.shape)}; it must be {expected}")
    require(features.dtype == torch.float32, f"features are {features.dtype}; they must be torch.float32")
    require(torch.isfinite(features).all(), "some features are not finite")


@law()
def features_are_the_same_each_time(reader: Reader) -> None:
    """The same items get the same features, alone or among others."""
    extractor, (x, _) = reader.fitted, reader.data()
    whole = extractor.extract(x)
    require(torch.equal(whole, extractor.extract(x)), "the same items got other features: is it in evaluation mode?")
    alone = torch.allclose(whole[:5], extractor.extract(x[:5]), rtol=1e-4, atol=1e-5)  # kernels differ by batch size
    require(alone, "an item's features depend on what else is in its batch")


@law()
def an_extractor_comes_back_from_what_is_kept_of_it(reader: Reader) -> None:
    """Built again from its `architecture` and its saved weights, it gives the same features under the same `id`."""
    extractor, (x, _) = reader.fitted, reader.data()
    again = _kind(reader)(**_as_kept(extractor.architecture))
    if again.stored:
        again.load_state_dict(load(weights(extractor)))
    again.eval().requires_grad_(False)
    same = torch.allclose(extractor.extract(x), again.extract(x), rtol=1e-4, atol=1e-5)
    keep = "keep in parameters and buffers all that is fitted, and in `architecture` the rest"
    require(same, f"built again it gives other features: {keep}")
    require(extractor.id == again.id, f"it is called {extractor.id}, and built again {again.id}")


@law()
def an_id_names_the_weights(reader: Reader) -> None:
    """Weights have one `id`, and others another: it is the words by which numbers may be compared."""
    first, second, other = reader.fitted, reader.fit(), reader.fit(seed=1)
    require(isinstance(first.id, str) and first.id, "its id is no word")
    require(first.id == second.id, f"fitted twice on the same data it is called {first.id} and {second.id}")
    told = first.id != other.id or weights(first) == weights(other)
    require(told, f"its weights on other data are others, and it is called {first.id} again: put their hash in its id")


LAWS: tuple[Law[Reader], ...] = (
    features_are_one_finite_row_per_item,
    features_are_the_same_each_time,
    an_extractor_comes_back_from_what_is_kept_of_it,
    an_id_names_the_weights,
)


def _kind(reader: Reader) -> type[Extractor]:
    """The class that is built again: what the function says that it returns."""
    kind = get_type_hints(reader.function).get("return")
    if not (isinstance(kind, type) and issubclass(kind, Extractor)) or kind is Extractor:
        raise BrokenLawError(f"its function says that it returns {kind}; it must name the class that is built again")
    return kind


def _as_kept(architecture: Mapping[str, Any]) -> dict[str, Any]:
    """Written as JSON and read again."""
    try:
        kept: dict[str, Any] = json.loads(json.dumps(architecture))
    except TypeError as error:
        raise BrokenLawError(f"its architecture cannot be kept as JSON: {error}") from None
    return kept
