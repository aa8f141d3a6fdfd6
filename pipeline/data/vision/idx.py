"""idx files of bytes: magic 0x0800 + rank, each side as a big-endian uint32, then the bytes (LeCun et al. 1998)."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.data.vision import stored
from pipeline.data.vision.official import Labelled

BYTES = 0x0800  # the magic number of an idx file of unsigned bytes; its rank is added


def pair(images: Path, labels: Path, classes: int, first: int = 0) -> Labelled:
    """Images (N, 1, H, W) and their labels, which are stored as first, first + 1, ...

    Raises:
        UserError: a file cannot be read or is damaged, or the two do not count alike.
    """
    x, label = array(images, rank=3), array(labels, rank=1)
    if len(x) != len(label):
        raise stored.damaged(labels, f"{len(label)} labels for {len(x)} images")
    if label.min() < first:
        raise stored.damaged(labels, f"it holds label {label.min()}, the smallest is {first}")
    return Labelled(x[:, None], stored.classes(label, first + classes, labels) - first)


def array(path: Path, rank: int) -> NDArray[np.uint8]:
    """Raises `UserError` where the file is none of this rank, or is not as long as it says."""
    data = stored.content(path)
    start = 4 * (1 + rank)
    magic, *shape = (int.from_bytes(data[at : at + 4], "big") for at in range(0, start, 4))
    if magic != BYTES + rank or len(data) != start + math.prod(shape) or 0 in shape:
        raise stored.damaged(path, f"{len(data)} bytes that are no idx file of rank {rank}")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)
