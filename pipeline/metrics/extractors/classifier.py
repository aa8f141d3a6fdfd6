"""The last hidden layer of a small classifier that the pipeline trains on the dataset's own labels: nothing is
downloaded, and its name holds its weights' hash."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import NonNegativeInt, PositiveInt
from torch import Tensor, nn

from pipeline import device as devices
from pipeline.errors import UserError
from pipeline.metrics.evaluation.placement import device_of
from pipeline.metrics.extractors.extractor import Extractor
from pipeline.metrics.extractors.network import descend, fingerprint, funnel

LEARNING_RATE = 3e-3
"""The peak of a one-cycle schedule."""


class Classifier(Extractor):
    """The hidden layer of a funnel that ends in the classes: the features.

    They are shifted and scaled as a whole, so that over the training split their mean is 0 and their mean variance 1:
    distances keep their proportions, and the cubic kernel's + 1 its meaning.
    """

    name = "classifier"
    centre: Tensor
    """(features,)."""
    scale: Tensor
    """()."""

    def __init__(self, *, dataset: str, channels: int, classes: int, width: int, features: int) -> None:
        super().__init__()
        self.architecture = {"dataset": dataset, "channels": channels, "classes": classes, "width": width}
        self.architecture["features"] = self.size = features
        self.body = funnel(channels, width, features)
        self.head = nn.Linear(features, classes)
        self.register_buffer("centre", torch.zeros(features))
        self.register_buffer("scale", torch.ones(()))

    @property
    def id(self) -> str:
        return f"{self.architecture['dataset']}-classifier@{fingerprint(self)}"

    def forward(self, x: Tensor) -> Tensor:
        features: Tensor = (self.body(x) - self.centre) / self.scale
        return features

    def logits(self, x: Tensor) -> Tensor:
        """x (N, C, H, W) -> (N, classes)."""
        logits: Tensor = self.head(self.body(x))
        return logits

    def standardise(self, x: Tensor) -> None:
        """Take x (N, C, H, W) for the origin and the unit of the features."""
        features = self.extract(x)
        self.centre.copy_(features.mean(dim=0))
        self.scale.copy_(features.var(dim=0).mean().sqrt())

    @torch.no_grad()
    def accuracy(self, x: Tensor, label: Tensor, batch: int = 512) -> float:
        """Share of x (N, C, H, W) that gets its label (N,)."""
        device = device_of(self)
        guess = torch.cat([self.logits(part.to(device)).argmax(dim=1).cpu() for part in x.split(batch)])
        return float((guess == label).double().mean())


def classifier(
    dataset: str,
    x: Tensor,
    label: Tensor | None,
    *,
    width: PositiveInt = 32,
    features: PositiveInt = 32,
    steps: PositiveInt = 600,
    seed: NonNegativeInt = 0,
) -> Classifier:
    """Train on x (N, C, H, W) with label (N,), on the CPU: the hash of its weights is in its name.

    Raises:
        UserError: x are no images, or the dataset has no labels.
    """
    if label is None or x.ndim != 4:
        raise UserError(f"dataset {dataset} has no labelled images for extractor classifier; use extractor identity")
    with devices.preserved_random_states(devices.CPU):
        torch.manual_seed(seed)
        classes = int(label.max()) + 1
        model = Classifier(dataset=dataset, channels=x.shape[1], classes=classes, width=width, features=features)
        descend(model, lambda rows: F.cross_entropy(model.logits(x[rows]), label[rows]), len(x), steps, LEARNING_RATE)
    model.standardise(x)
    return model.eval().requires_grad_(False)
