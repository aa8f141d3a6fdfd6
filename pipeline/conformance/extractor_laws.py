"""Laws of extractors: of functions (dataset, x, label, *, keywords) -> Extractor."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, get_type_hints

import torch
from safetensors.torch import load

from pipeline.conformance.law import Law, LawError, law, require
from pipeline.conformance.toy_tasks import Problem, batch
from pipeline.contract import Batch
from pipeline.metrics.extractors.lookup import Extractor
from pipeline.metrics.extractors.network import weights

ITEMS, CLASSES = 48, 3


@dataclass(frozen=True)
class ExtractorFunction:
    """A function that makes an extractor, on a toy event."""

    make: Callable[..., Extractor]
    event: str
    keywords: Mapping[str, Any] = field(default_factory=dict)

    def data(self, seed: int = 0) -> Batch:
        """x (ITEMS, *event) and labels (ITEMS,)."""
        torch.manual_seed(seed)
        x, _ = batch(Problem(self.event, "none").task, ITEMS)
        return x, torch.arange(ITEMS) % CLASSES

    @cached_property
    def fitted(self) -> Extractor:
        """Fitted once, since fitting may take seconds."""
        return self.fit()

    def fit(self, seed: int = 0) -> Extractor:
        """Raises UserError: it does not support such events."""
        return self.make("toy", *self.data(seed), **self.keywords)


@law()
def features_are_one_finite_row_per_item(function: ExtractorFunction) -> None:
    """`extract` gives one finite float32 row of `size` numbers for each item."""
    extractor = function.fitted
    features = extractor.extract(function.data()[0])
    expected = (ITEMS, extractor.size)
    require(tuple(features.shape) == expected, f"features have shape {tuple(features.shape)}; it must be {expected}")
    require(features.dtype == torch.float32, f"features are {features.dtype}; they must be torch.float32")
    require(torch.isfinite(features).all(), "some features are not finite")


@law()
def features_are_the_same_each_time(function: ExtractorFunction) -> None:
    """The same items have the same features, in any batch."""
    extractor, (x, _) = function.fitted, function.data()
    whole = extractor.extract(x)
    require(
        torch.equal(whole, extractor.extract(x)),
        "the same items have other features in a second call: is it in evaluation mode?",
    )
    alone = torch.allclose(whole[:5], extractor.extract(x[:5]), rtol=1e-4, atol=1e-5)  # kernels differ by batch size
    require(alone, "an item's features depend on what else is in its batch")


@law()
def an_extractor_can_be_restored(function: ExtractorFunction) -> None:
    """Restored from its `architecture` and its saved weights, it has the same features and the same `id`."""
    extractor, (x, _) = function.fitted, function.data()
    restored = _class(function)(**_through_json(extractor.architecture))
    if restored.stored:
        restored.load_state_dict(load(weights(extractor)))
    restored.eval().requires_grad_(False)
    same = torch.allclose(extractor.extract(x), restored.extract(x), rtol=1e-4, atol=1e-5)
    hint = "whatever is fitted belongs in parameters and buffers, the rest in `architecture`"
    require(same, f"restored it gives other features: {hint}")
    require(extractor.id == restored.id, f"its id is {extractor.id}, and {restored.id} when restored")


@law()
def an_id_names_the_weights(function: ExtractorFunction) -> None:
    """The `id` identifies the weights: numbers are compared only under the same `id`."""
    first, second, other = function.fitted, function.fit(), function.fit(seed=1)
    require(isinstance(first.id, str) and first.id, "its id is not a string, or empty")
    require(first.id == second.id, f"fitted twice on the same data it has the ids {first.id} and {second.id}")
    distinct = first.id != other.id or weights(first) == weights(other)
    require(distinct, f"on other data its weights differ, and its id is {first.id} again: add their hash to the id")


LAWS: tuple[Law[ExtractorFunction], ...] = (
    features_are_one_finite_row_per_item,
    features_are_the_same_each_time,
    an_extractor_can_be_restored,
    an_id_names_the_weights,
)


def _class(function: ExtractorFunction) -> type[Extractor]:
    """The class to restore: the return annotation of the function."""
    annotation = get_type_hints(function.make).get("return")
    if not (isinstance(annotation, type) and issubclass(annotation, Extractor)) or annotation is Extractor:
        raise LawError(f"the return annotation of its function is {annotation}; it must name the class to restore")
    return annotation


def _through_json(architecture: Mapping[str, Any]) -> dict[str, Any]:
    """Written as JSON and read back."""
    try:
        restored: dict[str, Any] = json.loads(json.dumps(architecture))
    except TypeError as error:
        raise LawError(f"its architecture cannot be written as JSON: {error}") from None
    return restored
