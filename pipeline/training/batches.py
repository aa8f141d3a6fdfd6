"""Batches of tensors held in memory, or of items that are converted when they are read (`pipeline.items`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import overload

import torch
from torch import Tensor

from pipeline.contract import Batch

FULL = 255  # the intensity that is binarised to 1 with probability 1
ORDER, INTENSITIES = 30_000, 40_000
"""Added to the training seed: weights, the order of items and the draws from intensities have separate streams."""


class ShuffledBatches(Iterator[Batch]):
    """The batches of `shuffled`: an iterator whose position can be saved."""

    def __init__(self, data: Batch, size: int, intensity: Tensor | None, seed: int) -> None:
        self._x, self._c, self._size, self._intensity = *data, size, intensity
        self._order, self._draws = (torch.Generator().manual_seed(stream + seed) for stream in (ORDER, INTENSITIES))
        self._device = self._c.device if isinstance(self._c, Tensor) else torch.device("cpu")
        self._queue = self._epoch()

    def __next__(self) -> Batch:
        while len(self._queue) < self._size:
            self._queue = torch.cat([self._queue, self._epoch()])
        rows, self._queue = self._queue[: self._size], self._queue[self._size :]
        x = self._x[rows] if self._intensity is None else binarised(self._intensity[rows], self._draws)
        return x, self._c[rows]

    def position(self) -> dict[str, Tensor]:
        """The items that are left of the epoch, and the states of both generators."""
        return {"queue": self._queue, "order": self._order.get_state(), "draws": self._draws.get_state()}

    def go_to(self, position: Mapping[str, Tensor]) -> None:
        """Go on with the batch after a `position`."""
        self._queue = position["queue"].to(self._device)
        self._order.set_state(position["order"])
        self._draws.set_state(position["draws"])

    def _epoch(self) -> Tensor:
        """Drawn on the CPU, so that the order is the same for data on any device."""
        return torch.randperm(len(self._c), generator=self._order).to(self._device)


def shuffled(data: Batch, size: int, intensity: Tensor | None = None, *, seed: int) -> ShuffledBatches:
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
    return ShuffledBatches(data, size, intensity, seed)


def binarised(intensity: Tensor, generator: torch.Generator) -> Tensor:
    """uint8 (B, *event) -> float32, same shape: 1 with probability intensity / 255, else -1."""
    return torch.where(torch.randint(FULL, intensity.shape, generator=generator) < intensity, 1.0, -1.0)


def in_order(data: Batch, size: int) -> Sequence[Batch]:
    """All of the data once; items in a file are read when their batch is."""
    x, c = data
    return BatchesInOrder(x.split(size), c.split(size))


class BatchesInOrder(Sequence[Batch]):
    """The batches of `in_order`: as many chunks of x as of c."""

    def __init__(self, x: Sequence[Tensor], c: Sequence[Tensor]) -> None:
        if len(x) != len(c):
            raise ValueError(f"{len(x)} chunks of x, {len(c)} of c")
        self._x, self._c = x, c

    def __len__(self) -> int:
        return len(self._x)

    @overload
    def __getitem__(self, index: int) -> Batch: ...
    @overload
    def __getitem__(self, index: slice) -> list[Batch]: ...
    def __getitem__(self, index: int | slice) -> Batch | list[Batch]:
        if isinstance(index, slice):
            return list(zip(self._x[index], self._c[index], strict=True))
        return self._x[index], self._c[index]
