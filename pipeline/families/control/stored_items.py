"""Controls that draw from stored data: the ceiling (`real`), the cheat (`copycat`) and the floor (`collapsed`).

    real        fresh data: the validation split          without a condition, what a perfect sampler scores
    copycat     the training set                           best in every feature metric, and worth nothing
    collapsed   the neighbourhood of one training item     high precision, no recall

Each answers a condition with a stored item whose own condition is nearest: of labels, by the number of places that
differ, else by the Euclidean distance. Many items share a class, so that `real` is what a perfect sampler scores there
too; a box or a map has one that is nearest and differs, and then `real` is no ceiling but what a look-up reaches. There
it holds a random half of the validation split, for else every seed would answer with the same items.

Seeds are replications only as far as they draw different items. Of k items drawn from m without replacement two seeds
share k² / m on average; `replicates` says whether that is at most half of them.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from pipeline.contract import Batch, GenerativeModel, Player

CHUNK = 1024


class Memory(GenerativeModel):
    """Draws stored items; without replacement as long as those that answer a condition last."""

    independent_samples = False
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
            return self.x[dealt(torch.arange(len(self.x)), len(c))]
        asked, group = c.unique(dim=0, return_inverse=True)
        rows = torch.empty(len(c), dtype=torch.long)
        matching = (match for part in asked.split(CHUNK) for match in self._matching(part))
        for place, match in enumerate(matching):
            same = group == place
            rows[same] = dealt(match.nonzero()[:, 0], int(same.sum()))
        return self.x[rows]

    def replicates(self, c: Tensor) -> bool:
        """Whether two seeds share at most half of the items that they answer c with, on average."""
        if not c[:1].numel():
            return shared(len(c), len(self.x)) <= len(c) / 2
        asked, count = c.unique(dim=0, return_counts=True)
        matching = (match for part in asked.split(CHUNK) for match in self._matching(part))
        same = sum(shared(int(k), int(match.sum())) for k, match in zip(count, matching, strict=True))
        return same <= len(c) / 2

    def _matching(self, c: Tensor) -> Tensor:
        """(B, stored) bool: for each row of c the stored items with the nearest condition."""
        distance = torch.cdist(_flat(c), _flat(self.c), p=2.0 if c.is_floating_point() else 0.0)
        return distance <= distance.amin(1, keepdim=True)


def dealt(items: Tensor, count: int) -> Tensor:
    """`count` of the items (N,) in random order, each once before any comes twice."""
    rounds = -(-count // len(items))
    return torch.cat([items[torch.randperm(len(items))] for _ in range(rounds)])[:count]


def shared(count: int, items: int) -> float:
    """The number of items, of `count` drawn from `items` by `dealt`, that two seeds have in common on average."""
    return min(count, count**2 / items)


def _flat(c: Tensor) -> Tensor:
    """(B, *condition) -> (B, D) float32."""
    return c.reshape(len(c), -1).float()


class Real(Memory):
    """Held-out data: `part` of the validation split, drawn at random."""

    def __init__(self, part: float = 1.0) -> None:
        super().__init__()
        self.part = part

    def calibrate(self, train: Iterable[Batch], validation: Iterable[Batch]) -> None:
        self.store(validation)
        if self.part < 1:
            rows = torch.randperm(len(self.x))[: max(1, round(self.part * len(self.x)))]
            self.x, self.c = self.x[rows], self.c[rows]

    def replicates(self, c: Tensor) -> bool:
        return self.part < 1 or super().replicates(c)


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

    def replicates(self, c: Tensor) -> bool:
        """Its items are around another one for each seed."""
        return True
