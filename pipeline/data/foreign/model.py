"""Stored samples as a model: whatever samples and scores a model does so with them, and knows no difference.

Each sample is dealt out once, in the order of the file, for the condition that it was made under. So what a file holds
of a model's samples is measured as the model was: same samples, same protocol, same number.
"""

from __future__ import annotations

from collections import deque

import torch
from torch import Tensor

from pipeline.contract import Bounded, GenerativeModel, Player
from pipeline.errors import UserError


class ExhaustedError(UserError):
    """There is no sample left for a condition."""


class Foreign(GenerativeModel):
    """x (N, *event) that were made under c (N, *condition)."""

    def __init__(self, x: Tensor, c: Tensor) -> None:
        super().__init__()
        self.x = x
        self.left: dict[bytes, deque[int]] = {}
        for row, key in enumerate(_keys(c)):
            self.left.setdefault(key, deque()).append(row)

    def players(self) -> tuple[Player, ...]:
        return ()

    def sample(self, c: Tensor) -> Tensor:
        """Raises `ExhaustedError` where a row of c has no sample left."""
        rows = [self._next(key) for key in _keys(c)]
        return self.x[torch.tensor(rows, dtype=torch.long)]

    def _next(self, key: bytes) -> int:
        if not self.left.get(key):
            raise ExhaustedError("there is no sample left that was made under a condition of the test split")
        return self.left[key].popleft()


class Claimed(Foreign, Bounded):
    """And what its maker says of the test split: log_p (T,) nats, one for each item in order.

    It is read as a bound: no more can be known of it, above all not what it would be on other data.
    """

    def __init__(self, x: Tensor, c: Tensor, log_p: Tensor) -> None:
        super().__init__(x, c)
        self.log_p = deque(log_p.split(1))

    def elbo(self, x: Tensor, c: Tensor) -> Tensor:
        """Of the next items of the test split."""
        return torch.cat([self.log_p.popleft() for _ in range(len(x))])


def _keys(c: Tensor) -> list[bytes]:
    """A word for each row: equal if and only if the conditions are."""
    return [row.tobytes() for row in c.contiguous().numpy()]
