"""The hidden layer of a network of random weights: what the shape of a network alone makes of an image.

It has seen no data, so that no invariance is learnt. Convolutions with random weights are band-pass filters: noise and
blur differ from images in their responses, classes hardly do.

References:
    Naeem et al. 2020, arXiv:2002.09797, who embed by untrained networks data that are unlike ImageNet's.
"""

from __future__ import annotations

import torch
from pydantic import NonNegativeInt, PositiveInt
from torch import Tensor, nn

from pipeline import device as devices
from pipeline.errors import UserError
from pipeline.metrics.extractors.small_network import SmallNetwork

GRID = 4
"""WHY a finer grid than the classifier's: nothing has taught the convolutions to carry places."""


class Untrained(SmallNetwork):
    """The hidden layer of a funnel of random weights."""

    name = "untrained"

    def __init__(self, *, dataset: str, channels: int, width: int, features: int) -> None:
        super().__init__(dataset=dataset, channels=channels, width=width, features=features, grid=GRID)


def untrained(
    dataset: str,
    x: Tensor,
    label: Tensor | None,
    *,
    width: PositiveInt = 32,
    features: PositiveInt = 64,
    seed: NonNegativeInt = 0,
) -> Untrained:
    """Draw the weights (orthogonal ones, which keep the size of the signal); x (N, C, H, W) gives origin and unit.

    Raises:
        UserError: x are no images.
    """
    if x.ndim != 4:
        raise UserError(f"dataset {dataset} has no images for extractor untrained; use extractor identity")
    with devices.preserved_random_states(devices.CPU):
        torch.manual_seed(seed)
        model = Untrained(dataset=dataset, channels=x.shape[1], width=width, features=features)
        for layer in model.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.orthogonal_(layer.weight, gain=2**0.5)
    model.standardise(x)
    return model.eval().requires_grad_(False)
