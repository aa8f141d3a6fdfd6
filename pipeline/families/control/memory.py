"""Controls that draw from stored data: the ceiling (`real`), the cheat (`copycat`) and the floor (`collapsed`).

    real        fresh data: the validation split          what a perfect sampler scores
    copycat     the training set                           best in every feature metric, and worth nothing
    collapsed   the neighbourhood of one training item     high precision, no recall

Each answers a condition with the stored item whose own condition is nearest, ties drawn at random.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from pipeline.contract import Batch, GenerativeModel, Player

CHUNK = 1024


class Memory(GenerativeModel):
    """Draws stored items; without replacement as long as they last."""

    x: Tensor
    c: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("x", nn.UninitializedBuffer())
        self.register_buffer("c", nn.UninitializedBuffer())

    def players(self) -> tuple[Player, ...]:
        return ()

    def store(self, batches: Iterable[Batch]) -> None:
        x, c = zip(*batches, strict=True)
        self.x, self.c = torch.cat(x), torch.cat(c)

    def sample(self, c: Tensor) -> Tensor:
        if not c[:1].numel():
            return self._any(len(c))
        return self.x[torch.cat([self._matching(part) for part in c.split(CHUNK)])]

    def _any(self, count: int) -> Tensor:
        rounds = -(-count // len(self.x))
        order = torch.cat([torch.randperm(len(self.x)) for _ in range(rounds)])
        return self.x[order[:count]]

    def _matching(self, c: Tensor) -> Tensor:
        """(B,) long: for each row of c the stored item with the nearest condition."""
        distance = torch.cdist(c.flatten(1).float() if c.dim() > 1 else c[:, None].float(), self._stored())
        nearest = distance <= distance.amin(1, keepdim=True)
        return torch.multinomial(nearest.float(), 1)[:, 0]

    def _stored(self) -> Tensor:
        return self.c.flatten(1).float() if self.c.dim() > 1 else self.c[:, None].float()


class Real(Memory):
    """Held-out data: the validation split."""

    def calibrate(self, train: Iterable[Batch], validation: Iterable[Batch]) -> None:
        self.store(validation)


class Copycat(Memory):
    """The training set."""

    def calibrate(self, train: Iterable[Batch], validation: Iterable[Batch]) -> None:
        self.store(train)


class Collapsed(Memory):
    """The `share` of the training set that is nearest to one of its items."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def calibrate(self, train: Iterable[Batch], validation: Iterable[Batch]) -> None:
        self.store(train)
        centre = self.x[torch.randint(len(self.x), ())]
        distance = (self.x - centre).square().flatten(1).sum(-1)
        kept = distance.topk(max(1, round(self.share * len(self.x))), largest=False).indices
        self.x, self.c = self.x[kept], self.c[kept]
