"""Many small images as one picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
GAP = 0.85
"""Grey level of the lines between the images: neither ink nor paper."""


def tiled(images: Array, gap: int = 1) -> Array:
    """(R, K, C, H, W) in [0, 1] -> R rows of K, (R (H + gap) + gap, K (W + gap) + gap, 3); grey unless C = 3."""
    rows, columns, _, height, width = images.shape
    picture = np.full((rows, columns, 3, height + gap, width + gap), GAP)
    picture[..., gap:, gap:] = images if images.shape[2] == 3 else images[:, :, :1]
    picture = picture.transpose(0, 3, 1, 4, 2).reshape(rows * (height + gap), columns * (width + gap), 3)
    return np.pad(picture, ((0, gap), (0, gap), (0, 0)), constant_values=GAP)
