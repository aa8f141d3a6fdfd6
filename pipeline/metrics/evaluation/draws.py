"""Draws from a model, under the conditions of held-out data, as the metrics and the sample files see them."""

from __future__ import annotations

from time import perf_counter
from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.contract import Batch, Event, GenerativeModel, Task
from pipeline.metrics.evaluation.finite import check_finite


class Drawn(NamedTuple):
    """x (N, *event), c (N, *condition), and the seconds for one sample in each of the batches."""

    x: Tensor
    c: Tensor
    seconds: tuple[float, ...]


def draw(model: GenerativeModel, event: Event, c: Tensor, *, count: int, chunk: int) -> Batch:
    """As `draw_timed`, without the times."""
    x, c, _ = draw_timed(model, event, c, count=count, chunk=chunk)
    return x, c


@torch.no_grad()
def draw_timed(model: GenerativeModel, event: Event, c: Tensor, *, count: int, chunk: int) -> Drawn:
    """`count` samples, `chunk` at a time, under the rows of c (N, *condition), which are cycled.

    Images are put on the level grid, like the real ones.

    Raises:
        FloatingPointError: a sample is not finite; the message names it.
    """
    c = c[torch.arange(count) % len(c)]
    parts, seconds = [], []
    for part in torch.split(c, chunk):
        start = perf_counter()
        parts.append(model.sample(part))
        seconds.append((perf_counter() - start) / max(1, len(part)))
    x = check_finite(torch.cat(parts), "sample")
    return Drawn(x if event.levels is None else event.quantise(x), c, tuple(seconds))


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
