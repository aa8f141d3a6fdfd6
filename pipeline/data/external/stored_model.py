"""Stored samples as a model, so that they are measured by the code that measures a trained model.

Samples are returned in file order, without replacement, for the condition that they were made under. So the same
samples under the same protocol give the same numbers, whether a model here or a file holds them.
"""

from __future__ import annotations

from collections import deque

import torch
from torch import Tensor

from pipeline.contract import Bounded, GenerativeModel, Player
from pipeline.errors import UserError


class ExhaustedError(UserError):
    """No sample is left for a condition."""


class StoredSamples(GenerativeModel):
    """x (N, *event) that were made under c (N, *condition)."""

    def __init__(self, x: Tensor, c: Tensor) -> None:
        super().__init__()
        self.x = x
        self.unused: dict[bytes, deque[int]] = {}
        for row, key in enumerate(_keys(c)):
            self.unused.setdefault(key, deque()).append(row)

    def players(self) -> tuple[Player, ...]:
        return ()

    def sample(self, c: Tensor) -> Tensor:
        """Raises `ExhaustedError` where no sample is left for a row of c."""
        rows = [self._next(key) for key in _keys(c)]
        return self.x[torch.tensor(rows, dtype=torch.long)]

    def _next(self, key: bytes) -> int:
        if not self.unused.get(key):
            raise ExhaustedError("there is no sample left that was made under a condition of the test split")
        return self.unused[key].popleft()


class StoredSamplesAndBound(StoredSamples, Bounded):
    """Also the log-likelihoods that its maker reports: log_p (T,) nats, one for each test item in order.

    They count as a lower bound: nothing more can be verified, and they are not known on other data.
    """

    def __init__(self, x: Tensor, c: Tensor, log_p: Tensor) -> None:
        super().__init__(x, c)
        self.log_p = deque(log_p.split(1))

    def elbo(self, x: Tensor, c: Tensor) -> Tensor:
        """Of the next len(x) items of the test split."""
        return torch.cat([self.log_p.popleft() for _ in range(len(x))])


def _keys(c: Tensor) -> list[bytes]:
    """The bytes of each row: equal if and only if the conditions are."""
    return [row.tobytes() for row in c.contiguous().numpy()]
