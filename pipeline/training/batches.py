"""Batches of tensors held in memory."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from pipeline.contract import Batch

FULL = 255  # the intensity that is always drawn as a 1


def shuffled(data: Batch, size: int, intensity: Tensor | None = None) -> Iterator[Batch]:
    """Epoch after epoch for ever, each in a new order; what does not fill a batch opens the next epoch's first.

    With `intensity`, uint8 (N, *event), each batch's x is drawn anew from it (Burda et al. 2015, arXiv:1509.00519).
    """
    x, c = data
    queue = torch.randperm(len(x))
    while True:
        while len(queue) < size:
            queue = torch.cat([queue, torch.randperm(len(x))])
        rows, queue = queue[:size], queue[size:]
        yield (x[rows] if intensity is None else binarised(intensity[rows])), c[rows]


def binarised(intensity: Tensor) -> Tensor:
    """uint8 (B, *event) -> float32, same shape: 1 with probability intensity / 255, else -1."""
    return torch.where(torch.randint(FULL, intensity.shape) < intensity, 1.0, -1.0)


def in_order(data: Batch, size: int) -> list[Batch]:
    """All of the data once."""
    x, c = data
    return list(zip(x.split(size), c.split(size), strict=True))
