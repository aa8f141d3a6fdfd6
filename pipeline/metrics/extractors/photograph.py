"""Images as networks saw them that were trained on ImageNet's photographs."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from pipeline.metrics.extractors.frozen import coloured

Triple = tuple[float, float, float]
MEAN: Triple = (0.485, 0.456, 0.406)
STD: Triple = (0.229, 0.224, 0.225)
"""Of ImageNet's channels, in [0, 1]."""


def photograph(x: Tensor, side: int, how: str, mean: Triple, std: Triple) -> Tensor:
    """x (N, 1 or 3, H, W) in [-1, 1] -> (N, 3, side, side) of mean 0 and deviation 1 over the photographs."""
    x = F.interpolate(coloured((x + 1) / 2), size=(side, side), mode=how, align_corners=False, antialias=True)
    return (x - x.new_tensor(mean)[:, None, None]) / x.new_tensor(std)[:, None, None]
