"""The last hidden layer of a small classifier that the pipeline trains on the dataset's own labels: nothing is
downloaded, and its name holds its weights' hash.

    classifier            one label for each image or sequence
    channel_classifier    one label for each channel of an image: one network that sees the channels one by one, as the
                          judge of stacked digits does. The features of all channels are concatenated

Both can learn one class more, `noise_class`: uniform noise, shuffled pixels and blurred images (`corruption`), made of
the training images of the same batch. A classifier without it is not asked to tell these from the data, and its
features may put noise into the middle of them.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import NonNegativeInt, PositiveInt
from torch import Tensor, nn

from pipeline import device as devices
from pipeline.errors import UserError
from pipeline.metrics.evaluation.placement import device_of
from pipeline.metrics.extractors.corruption import corrupted
from pipeline.metrics.extractors.network import as_image, descend
from pipeline.metrics.extractors.small_network import SmallNetwork

LEARNING_RATE = 3e-3
"""The peak of a one-cycle schedule."""
CORRUPTED = 0.5
"""Corrupted images for each real one, in a batch."""


class Classifier(SmallNetwork):
    """The hidden layer of a funnel that ends in the classes."""

    name = "classifier"

    def __init__(
        self, *, dataset: str, channels: int, classes: int, width: int, features: int, apart: int = 0
    ) -> None:  # fmt: skip
        super().__init__(dataset=dataset, channels=channels, width=width, features=features, apart=apart)
        self.architecture["classes"] = classes
        self.head = nn.Linear(features, classes)

    def logits(self, x: Tensor) -> Tensor:
        """x (N, C, H, W) or (N, C, T) -> (N, classes)."""
        logits: Tensor = self.head(self.body(as_image(x)))
        return logits

    def loss(self, x: Tensor, label: Tensor, *, noise_class: bool) -> Tensor:
        """(): the cross-entropy of x (N, C, H, W) with label (N, ...), and of corrupted images with the last class."""
        real = F.cross_entropy(self.logits(x).flatten(0, -2), label.flatten())
        if not noise_class:
            return real
        logits = self.logits(corrupted(x[: round(CORRUPTED * len(x))])).flatten(0, -2)
        return real + CORRUPTED * F.cross_entropy(logits, torch.full((len(logits),), logits.shape[1] - 1))

    @torch.no_grad()
    def accuracy(self, x: Tensor, label: Tensor, batch: int = 512) -> float:
        """Share of the labels (N, ...) of x (N, C, H, W) that it reads."""
        device = device_of(self)
        guess = torch.cat([self.logits(part.to(device)).argmax(dim=-1).cpu() for part in x.split(batch)])
        return float((guess == label).double().mean())


class ChannelClassifier(Classifier):
    """The hidden layers of one funnel that sees each of C channels: (N, C features)."""

    name = "channel_classifier"

    def __init__(self, *, dataset: str, channels: int, classes: int, width: int, features: int) -> None:
        super().__init__(dataset=dataset, channels=1, classes=classes, width=width, features=features, apart=channels)
        self.architecture["channels"] = channels

    def logits(self, x: Tensor) -> Tensor:
        """x (N, C, H, W) -> (N, C, classes)."""
        return super().logits(x.flatten(0, 1)[:, None]).unflatten(0, x.shape[:2])


def classifier(
    dataset: str,
    x: Tensor,
    label: Tensor | None,
    *,
    width: PositiveInt = 32,
    features: PositiveInt = 32,
    steps: PositiveInt = 600,
    seed: NonNegativeInt = 0,
    noise_class: bool = False,
) -> Classifier:
    """Train on x (N, C, H, W) or (N, C, T) with label (N,), on the CPU: the hash of its weights is in its name.

    Raises:
        UserError: x are points, or sequences with a class of noise, or the dataset has no labels.
    """
    if label is None or x.ndim not in (3, 4) or label.ndim != 1:
        raise UserError(
            f"dataset {dataset} has no labelled images or sequences for extractor classifier; use extractor identity"
        )
    if noise_class and x.ndim == 3:
        raise UserError(f"dataset {dataset} has sequences, and noise_class of extractor classifier is for images")
    classes = int(label.max()) + 1 + noise_class
    with devices.preserved_random_states(devices.CPU):
        torch.manual_seed(seed)
        model = Classifier(dataset=dataset, channels=x.shape[1], classes=classes, width=width, features=features)
        _train(model, x, label, steps, noise_class)
    return model.eval().requires_grad_(False)


def channel_classifier(
    dataset: str,
    x: Tensor,
    label: Tensor | None,
    *,
    width: PositiveInt = 32,
    features: PositiveInt = 32,
    steps: PositiveInt = 600,
    seed: NonNegativeInt = 0,
    noise_class: bool = False,
) -> ChannelClassifier:
    """Train on x (N, C, H, W) with label (N, C), one for each channel, on the CPU.

    Raises:
        UserError: x are no images, or the dataset has not one label for each channel.
    """
    if label is None or x.ndim != 4 or label.shape != x.shape[:2]:
        raise UserError(
            f"dataset {dataset} has not one label for each channel, as extractor channel_classifier needs; "
            "use extractor classifier or identity"
        )
    classes = int(label.max()) + 1 + noise_class
    with devices.preserved_random_states(devices.CPU):
        torch.manual_seed(seed)
        model = ChannelClassifier(dataset=dataset, channels=x.shape[1], classes=classes, width=width, features=features)
        _train(model, x, label, steps, noise_class)
    return model.eval().requires_grad_(False)


def _train(model: Classifier, x: Tensor, label: Tensor, steps: int, noise_class: bool) -> None:
    """On x (N, C, H, W) with label (N, ...), which are then the origin and the unit of the features."""

    def loss(rows: Tensor) -> Tensor:
        return model.loss(x[rows], label[rows], noise_class=noise_class)

    descend(model, loss, len(x), steps, LEARNING_RATE)
    model.standardise(x)
