"""The base class of extractors that are a small network of the pipeline's own: its hidden layer, centred and scaled."""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.metrics.extractors.extractor import Extractor
from pipeline.metrics.extractors.network import as_image, fingerprint, funnel


class SmallNetwork(Extractor):
    """The hidden layer of a funnel.

    The features are shifted and scaled as a whole, so that over the training split their mean is 0 and their mean
    variance 1: distances keep their proportions, and the cubic kernel's + 1 its meaning.

    Args:
        dataset: whose images it is for; part of its id.
        channels: of the images that the funnel sees.
        width: channels of its first convolution.
        features: of its hidden layer.
        grid: the side of the grid that its convolutions are pooled to.
        apart: how many channels of an item it sees one by one, as images of their own; the features of all of them are
            concatenated. 0: it sees whole items.
    """

    centre: Tensor
    """(size,)."""
    scale: Tensor
    """()."""

    def __init__(
        self, *, dataset: str, channels: int, width: int, features: int, grid: int = 2, apart: int = 0
    ) -> None:  # fmt: skip
        super().__init__()
        self.architecture = {"dataset": dataset, "channels": channels, "width": width, "features": features}
        self.size, self.apart = features * max(1, apart), apart
        self.body = funnel(channels, width, features, grid=grid)
        self.register_buffer("centre", torch.zeros(self.size))
        self.register_buffer("scale", torch.ones(()))

    @property
    def id(self) -> str:
        return f"{self.architecture['dataset']}-{self.name}@{fingerprint(self)}"

    def hidden(self, x: Tensor) -> Tensor:
        """x (N, C, H, W) or (N, C, T) -> (N, size), neither centred nor scaled."""
        if not self.apart:
            return self.body(as_image(x))
        return self.body(x.flatten(0, 1)[:, None]).unflatten(0, x.shape[:2]).flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        features: Tensor = (self.hidden(x) - self.centre) / self.scale
        return features

    def standardise(self, x: Tensor) -> None:
        """Take x (N, C, H, W) for the origin and the unit of the features."""
        features = self.extract(x)
        self.centre.copy_(features.mean(dim=0))
        self.scale.copy_(features.var(dim=0).mean().sqrt())
