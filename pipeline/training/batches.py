"""Batches of tensors held in memory."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from pipeline.contract import Batch

FULL = 255  # the intensity that is binarised to 1 with probability 1
ORDER, INTENSITIES = 30_000, 40_000
"""Added to the training seed: weights, the order of items and the draws from intensities have separate streams."""


def shuffled(data: Batch, size: int, intensity: Tensor | None = None, *, seed: int) -> Iterator[Batch]:
    """Batches in random order, over an endless sequence of epochs.

    The order has its own random generator, so that it depends on the seed and the number of items alone: models trained
    with one seed see the same items in the same order, in batches of any size. The binarisation has another one: models
    with one seed and one batch size see the same draws. A model that takes several batches in a round, as a GAN with
    several critic steps, is further ahead in the same sequence.

    Args:
        data: x (N, *event) and c (N, *condition).
        size: items in a batch; what does not fill a batch at the end of an epoch begins the next epoch's first.
        intensity: uint8 (N, *event), from which each batch's x is drawn anew (Burda et al. 2015, arXiv:1509.00519).
        seed: the training seed.
    """
    x, c = data
    order, draws = (torch.Generator().manual_seed(stream + seed) for stream in (ORDER, INTENSITIES))
    queue = torch.randperm(len(x), generator=order)
    while True:
        while len(queue) < size:
            queue = torch.cat([queue, torch.randperm(len(x), generator=order)])
        rows, queue = queue[:size], queue[size:]
        yield (x[rows] if intensity is None else binarised(intensity[rows], draws)), c[rows]


def binarised(intensity: Tensor, generator: torch.Generator) -> Tensor:
    """uint8 (B, *event) -> float32, same shape: 1 with probability intensity / 255, else -1."""
    return torch.where(torch.randint(FULL, intensity.shape, generator=generator) < intensity, 1.0, -1.0)


def in_order(data: Batch, size: int) -> list[Batch]:
    """All of the data once."""
    x, c = data
    return list(zip(x.split(size), c.split(size), strict=True))
