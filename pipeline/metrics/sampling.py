"""Draws from a model, under the conditions of held-out data, as the metrics and the sample files see them."""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.contract import Batch, Event, GenerativeModel


@torch.no_grad()
def draw(model: GenerativeModel, event: Event, c: Tensor, *, count: int, chunk: int) -> Batch:
    """`count` samples, `chunk` at a time, under the rows of c (N, *condition), which are cycled.

    Images are put on the level grid, like the real ones.

    Raises:
        FloatingPointError: a sample is not finite; the message names it.
    """
    c = c[torch.arange(count) % len(c)]
    x = torch.cat([model.sample(part) for part in torch.split(c, chunk)])
    bad = (~x.isfinite()).flatten(1).any(dim=1).nonzero()
    if len(bad):
        raise FloatingPointError(f"sample {int(bad[0])} is not finite")
    return (x if event.levels is None else event.quantise(x)), c


def stored(event: Event, x: Tensor) -> Tensor:
    """As in a file: levels uint8 (N, C, H, W), or points float32 (N, D)."""
    return x if event.levels is None else event.index(x).to(torch.uint8)
