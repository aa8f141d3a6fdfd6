"""Batches of tensors held in memory."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from pipeline.contract import Batch


def shuffled(data: Batch, size: int) -> Iterator[Batch]:
    """Epoch after epoch for ever, each in a new order; what does not fill a batch opens the next epoch's first."""
    x, c = data
    queue = torch.randperm(len(x))
    while True:
        while len(queue) < size:
            queue = torch.cat([queue, torch.randperm(len(x))])
        rows, queue = queue[:size], queue[size:]
        yield x[rows], c[rows]


def in_order(data: Batch, size: int) -> list[Batch]:
    """All of the data once."""
    x, c = data
    return list(zip(x.split(size), c.split(size), strict=True))
