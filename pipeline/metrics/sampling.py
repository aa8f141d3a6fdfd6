"""Draws from a model, under the conditions of held-out data, as the metrics and the sample files see them."""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.contract import Batch, Event, GenerativeModel, Task
from pipeline.metrics.finite import check_finite


@torch.no_grad()
def draw(model: GenerativeModel, event: Event, c: Tensor, *, count: int, chunk: int) -> Batch:
    """`count` samples, `chunk` at a time, under the rows of c (N, *condition), which are cycled.

    Images are put on the level grid, like the real ones.

    Raises:
        FloatingPointError: a sample is not finite; the message names it.
    """
    c = c[torch.arange(count) % len(c)]
    x = torch.cat([model.sample(part) for part in torch.split(c, chunk)])
    check_finite(x, "sample")
    return (x if event.levels is None else event.quantise(x)), c


def repeat(model: GenerativeModel, task: Task, c: Tensor, *, conditions: int, repeats: int, chunk: int) -> Batch:
    """`repeats` samples under each of some rows of c (N, *condition) -> x (K, repeats, *event), c (K, *condition).

    K is `conditions` at most: each class once, else the first rows; 0 for a task without condition.
    """
    kind = task.condition.kind
    held = (c.unique() if kind == "class" else c)[:conditions]
    if kind == "none":
        return torch.empty(0, repeats, *task.event.shape), held[:0]
    x, _ = draw(model, task.event, held.repeat_interleave(repeats, dim=0), count=len(held) * repeats, chunk=chunk)
    return x.unflatten(0, (len(held), repeats)), held


def stored(event: Event, x: Tensor) -> Tensor:
    """As in a file: levels uint8 (N, C, H, W), or points float32 (N, D).

    Raises:
        FloatingPointError: an item is not finite; no level stands for it.
    """
    check_finite(x, "item")
    return x if event.levels is None else event.index(x).to(torch.uint8)
