"""Controls that sample from stored data.

    real        the validation split                       without a condition, the score of a perfect sampler
    copycat     the training set                           best in every feature metric, without generalising
    collapsed   the neighbourhood of one training item     high precision, no recall

For a condition c each samples a stored item whose condition is nearest to c: for labels by the number of places that
differ, else by the Euclidean distance. Many items share a class, so that `real` is a perfect sampler there too. The
nearest box or map differs from c, so that `real` is no upper limit there but a nearest-neighbour look-up; it stores a
random half of the validation split, or every seed would return the same items.

Seeds are replications only as far as they draw different items. Of k items drawn from m without replacement two seeds
share k² / m on average; `replicates` is true if that is at most half of them.

Which items have the nearest condition is found on the CPU, where the draws depend on their number; `x` stays on the
model's device.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn

from pipeline.contract import Batch, GenerativeModel, Player
from pipeline.distributions import host_draws

CHUNK = 1024


class StoredItems(GenerativeModel):
    """Samples stored items, without replacement until all that match a condition are used."""

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
            items = torch.arange(len(self.x), device=self.x.device)
            return self.x[sample_without_replacement(items, len(c))]
        return self.x[self._rows(c.cpu()).to(self.x.device)]

    def _rows(self, c: Tensor) -> Tensor:
        """c (B, *condition) -> the stored item that each row gets, (B,) long, both on the CPU."""
        unique, group = c.unique(dim=0, return_inverse=True)
        rows = torch.empty(len(c), dtype=torch.long)
        for place, match in enumerate(self._matching(unique)):
            same = group == place
            rows[same] = sample_without_replacement(match.nonzero()[:, 0], int(same.sum()))
        return rows

    def replicates(self, c: Tensor) -> bool:
        """Whether two seeds share at most half of their items for c, on average."""
        if not c[:1].numel():
            return expected_overlap(len(c), len(self.x)) <= len(c) / 2
        unique, count = c.cpu().unique(dim=0, return_counts=True)
        matching = zip(count, self._matching(unique), strict=True)
        same = sum(expected_overlap(int(k), int(match.sum())) for k, match in matching)
        return same <= len(c) / 2

    def _matching(self, c: Tensor) -> Iterator[Tensor]:
        """For each row of c the stored items with the nearest condition, (stored,) bool, all on the CPU."""
        stored = _flat(self.c.cpu())
        for part in c.split(CHUNK):
            distance = torch.cdist(_flat(part), stored, p=2.0 if c.is_floating_point() else 0.0)
            yield from distance <= distance.amin(1, keepdim=True)


def sample_without_replacement(items: Tensor, count: int) -> Tensor:
    """`count` of the items (N,) in random order; all occur once before any occurs twice."""
    rounds = -(-count // len(items))
    return torch.cat([items[torch.randperm(len(items), device=items.device)] for _ in range(rounds)])[:count]


def expected_overlap(count: int, items: int) -> float:
    """Mean number of common items of two seeds that draw `count` of `items` by `sample_without_replacement`."""
    return min(count, count**2 / items)


def _flat(c: Tensor) -> Tensor:
    """(B, *condition) -> (B, D) float32."""
    return c.reshape(len(c), -1).float()


class Real(StoredItems):
    """Held-out data: `part` of the validation split, drawn at random."""

    def __init__(self, part: float = 1.0) -> None:
        super().__init__()
        self.part = part

    def calibrate(self, train: Iterable[Batch], validation: Iterable[Batch]) -> None:
        self.store(validation)
        if self.part < 1:
            rows = torch.randperm(len(self.x), device=self.x.device)[: max(1, round(self.part * len(self.x)))]
            self.x, self.c = self.x[rows], self.c[rows]

    def replicates(self, c: Tensor) -> bool:
        return self.part < 1 or super().replicates(c)


class Copycat(StoredItems):
    """The training set."""

    def calibrate(self, train: Iterable[Batch], validation: Iterable[Batch]) -> None:
        self.store(train)


class Collapsed(StoredItems):
    """The `share` of the training set that is nearest to one of its items."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def calibrate(self, train: Iterable[Batch], validation: Iterable[Batch]) -> None:
        self.store(train)
        centre = self.x[host_draws.integer(len(self.x))]
        distance = (self.x - centre).square().flatten(1).sum(-1)
        nearest = distance.topk(max(1, round(self.share * len(self.x))), largest=False).indices
        self.x, self.c = self.x[nearest], self.c[nearest]

    def replicates(self, c: Tensor) -> bool:
        """Always: each seed has another item at the centre."""
        return True
