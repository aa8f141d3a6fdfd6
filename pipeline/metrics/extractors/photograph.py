"""Images as networks saw them that were trained on ImageNet's photographs."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from PIL.Image import Resampling
from torch import Tensor

from pipeline.metrics.extractors.frozen import pixels

Triple = tuple[float, float, float]
MEAN: Triple = (0.485, 0.456, 0.406)
STD: Triple = (0.229, 0.224, 0.225)
"""Of ImageNet's channels, in [0, 1]."""


def photograph(x: Tensor, side: int, how: Resampling, mean: Triple, std: Triple) -> Tensor:
    """x (N, 1 or 3, H, W) in [-1, 1] -> (N, 3, side, side) of mean 0 and deviation 1 over the photographs."""
    levels = x.new_empty(len(x), 3, side, side)
    for row, image in zip(levels, pixels(x), strict=True):
        row.copy_(_resized(image, side, how))
    return (levels / 255 - x.new_tensor(mean)[:, None, None]) / x.new_tensor(std)[:, None, None]


def _resized(image: Tensor, side: int, how: Resampling) -> Tensor:
    """(3, H, W) uint8 -> (3, side, side) uint8.

    WHY Pillow: the networks saw its bytes, and so do published numbers. Bicubic overshoots at edges, and it clips to a
    byte along each axis in turn, which no resize of floats does: black on white is up to 30 levels apart.
    """
    array = np.array(Image.fromarray(image.permute(1, 2, 0).numpy()).resize((side, side), how))
    return torch.from_numpy(array).permute(2, 0, 1)
