"""What a condition says, computed from the truth of an image.

luma = 0.299 R + 0.587 G + 0.114 B     of the levels, rounded to a level (contract.LUMA)
box  = (left, top, right, bottom)      the tightest box around a mask, as fractions of the image's sides
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.contract import LUMA, Condition, ConditionKind
from pipeline.errors import UserError


def condition(kind: ConditionKind, side: tuple[int, int], size: int = 0) -> Condition:
    """What c of this kind is for images of `side` (height, width); `size`: classes or labels, 0 where it has none."""
    shapes = {"none": (0,), "class": (), "box": (4,), "segmentation": side, "grayscale": (1, *side)}
    return Condition(kind, shapes[kind], size)


def luma(x: NDArray[np.uint8], levels: int = 256) -> NDArray[np.float32]:
    """Colour images as levels (N, 3, H, W) -> their luma (N, 1, H, W) on the grid of [-1, 1]."""
    level = (np.einsum("nchw,c->nhw", x, np.array(LUMA, np.uint32)) + 500) // 1000  # (N, H, W)
    return level[:, None].astype(np.float32) * (2 / (levels - 1)) - 1


def boxes(masks: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Masks (N, H, W) -> (left, top, right, bottom) (N, 4) in [0, 1]: the edges of the pixels that they touch.

    Raises:
        UserError: a mask is empty; which one is named by its place.
    """
    empty = np.flatnonzero(~masks.any(axis=(1, 2)))
    if empty.size:
        raise UserError(f"mask {empty[0]} is empty: a box needs at least one pixel")
    (left, right), (top, bottom) = (_extent(np.asarray(masks.any(axis=axis))) for axis in (1, 2))
    return np.stack((left, top, right, bottom), axis=1)


def _extent(touched: NDArray[np.bool_]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Which of the places along a side are touched (N, S) -> where that begins and ends, as fractions of the side."""
    side = touched.shape[1]
    first, last = touched.argmax(axis=1), side - touched[:, ::-1].argmax(axis=1)
    return (first / side).astype(np.float32), (last / side).astype(np.float32)
