"""Feature extractors by name: ours, and those that another package announces under `coverseek.extractors`.

An extractor is announced as a function (dataset, x, label, *, its own keywords) of the training split; the class that
it says it returns is built again from the stored description. `label` is (N,), the classes; of a dataset without
classes (N, F), the values of its factors, if these are known; else None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from torch import Tensor

from pipeline import plugins
from pipeline.metrics.extractors.classifier import Classifier, channel_classifier, classifier
from pipeline.metrics.extractors.contrastive import contrastive
from pipeline.metrics.extractors.dinov2 import dinov2
from pipeline.metrics.extractors.extractor import Extractor, Identity, identity
from pipeline.metrics.extractors.inception import inception
from pipeline.metrics.extractors.spectrum import spectrum
from pipeline.metrics.extractors.torchvision import torchvision
from pipeline.metrics.extractors.untrained import untrained

__all__ = ["EXTRACTORS", "Classifier", "Extractor", "Identity", "classifier", "find", "identity", "restore"]

EXTRACTORS: dict[str, Callable[..., Extractor]] = {
    "identity": identity,
    "classifier": classifier,
    "channel_classifier": channel_classifier,
    "contrastive": contrastive,
    "untrained": untrained,
    "spectrum": spectrum,
    "inception": inception,
    "dinov2": dinov2,
    "torchvision": torchvision,
}
"""Ours."""


def find(name: str, where: str) -> Callable[..., Extractor]:
    """`where` names in errors the place that asks for it.

    Raises:
        UserError: no extractor has this name, or its package cannot be imported.
    """
    entry = plugins.find("extractors", name, EXTRACTORS, where)
    function: Callable[..., Extractor] = plugins.load(entry) if entry else EXTRACTORS[name]
    return function


def restore(described: Mapping[str, Any], state: Mapping[str, Tensor]) -> Extractor:
    """The extractor that was fitted before, from its description and its weights.

    Raises:
        UserError: its package is gone, or the file of its weights has changed.
    """
    kind: type[Extractor] = get_type_hints(find(described["name"], "extractor"))["return"]
    extractor = kind(**described["architecture"])
    if extractor.stored:
        extractor.load_state_dict(state)
    return extractor.eval().requires_grad_(False)
