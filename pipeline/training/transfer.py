"""Data on the device of the model: a small data set as a whole, a large one batch by batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from pipeline import device as devices
from pipeline.contract import Batch

SHARE = 4
"""A data set moves as a whole if it needs at most 1 / SHARE of the device's free memory."""


class Transfer:
    """Moves data to a device; on the CPU everything stays what it is."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def dataset(self, data: Batch) -> Batch:
        """The data on the device if they are tensors that fit there, else as they are."""
        free = devices.free_memory(self.device)
        if free is None or not all(isinstance(part, Tensor) for part in data):
            return data
        needed = sum(part.numel() * part.element_size() for part in data)
        return self.batch(data) if needed <= free // SHARE else data

    def batch(self, batch: Batch) -> Batch:
        """A batch on the device. The copy from pinned memory to CUDA does not wait for the device."""
        x, c = batch
        return self._moved(x), self._moved(c)

    def each(self, batches: Iterable[Batch]) -> Iterable[Batch]:
        """The batches, moved one by one each time that they are iterated over."""
        return batches if self.device.type == "cpu" else _Moved(batches, self)

    def _moved(self, part: Tensor) -> Tensor:
        if part.device == self.device:
            return part
        if self.device.type == "cuda" and torch.cuda.is_available():
            return part.pin_memory().to(self.device, non_blocking=True)
        return part.to(self.device)


class _Moved:
    def __init__(self, batches: Iterable[Batch], transfer: Transfer) -> None:
        self._batches, self._transfer = batches, transfer

    def __iter__(self) -> Iterator[Batch]:
        return map(self._transfer.batch, self._batches)
