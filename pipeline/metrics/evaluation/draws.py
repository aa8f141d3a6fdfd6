"""Draws from a model, under the conditions of held-out data, as the metrics and the sample files see them."""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
from torch import Tensor

from pipeline.contract import Batch, Event, GenerativeModel, Reconstructs, Task, Weighted
from pipeline.items import LARGE, CompactItems
from pipeline.metrics.evaluation.evaluation_chunks import EvaluationChunks
from pipeline.metrics.evaluation.finite import check_finite
from pipeline.metrics.evaluation.placement import device_of

SIDE = 16
"""Decoded images along an axis of the latent plane; the outermost lie at the quantiles 1 / 32 and 31 / 32."""


class Drawn(NamedTuple):
    """x (N, *event), c (N, *condition), and the seconds for one sample in each of the batches."""

    x: Tensor
    """`CompactItems`, of levels, where float32 would need more than `LARGE` bytes."""
    c: Tensor
    seconds: tuple[float, ...]


def draw(
    model: GenerativeModel, event: Event, c: Tensor, *, count: int, chunk: int, kept: EvaluationChunks | None = None
) -> Batch:
    """As `draw_timed`, without the times."""
    x, c, _ = draw_timed(model, event, c, count=count, chunk=chunk, kept=kept)
    return x, c


@torch.no_grad()
def draw_timed(
    model: GenerativeModel, event: Event, c: Tensor, *, count: int, chunk: int, kept: EvaluationChunks | None = None
) -> Drawn:
    """`count` samples, `chunk` at a time, under the rows of c (N, *condition), which are cycled.

    Images are put on the level grid, like the real ones. Samples are drawn on the device of the model, and come back
    to the CPU within the time that is measured. Chunks that `kept` has are not drawn again.

    Raises:
        FloatingPointError: a sample is not finite; the message names it.
    """
    c = c[torch.arange(count) % len(c)]
    parts: list[Tensor] = []
    seconds, device, compact = [], device_of(model), is_large(event, count)
    kept = kept or EvaluationChunks()
    for part in torch.split(c, chunk):

        def sample(c: Tensor = part) -> Tensor:
            x = model.sample(c.to(device)).cpu()
            return stored(event, x, "sample", first=chunk * len(parts)) if compact else x

        x, elapsed = kept.compute(f"{count} samples", sample)
        seconds.append(elapsed / max(1, len(part)))
        parts.append(x)
    if compact:
        return Drawn(restored(event, torch.cat(parts)), c, tuple(seconds))
    x = check_finite(torch.cat(parts), "sample")
    x = x if event.levels is None else event.quantise(x)
    return Drawn(x.contiguous(), c, tuple(seconds))  # in the memory layout of samples that are read from a file


def repeat(
    model: GenerativeModel, task: Task, c: Tensor, *, conditions: int, repeats: int, chunk: int,
    kept: EvaluationChunks | None = None,
) -> Batch:  # fmt: skip
    """`repeats` samples under each of some rows of c (N, *condition) -> x (K, repeats, *event), c (K, *condition).

    K is `conditions` at most: each class once, else the first rows; 0 for a task without condition.
    """
    kind = task.condition.kind
    held = (c.unique() if kind == "class" else c)[:conditions]
    if kind == "none":
        return torch.empty(0, repeats, *task.event.shape), held[:0]
    each = held.repeat_interleave(repeats, dim=0)
    x, _ = draw(model, task.event, each, count=len(each), chunk=chunk, kept=kept)
    return x[:].unflatten(0, (len(held), repeats)), held


def stored(event: Event, x: Tensor, what: str = "item", first: int = 0) -> Tensor:
    """As in a file: levels uint8 (N, C, H, W), or points float32 (N, D).

    Args:
        event: of the task.
        x: (N, *event).
        what: noun of an item, for the error message.
        first: index of the first item.

    Raises:
        FloatingPointError: an item is not finite; no level stands for it.
    """
    if isinstance(x, CompactItems):
        return x.stored
    check_finite(x, what, first)
    return x if event.levels is None else event.index(x).to(torch.uint8)


def restored(event: Event, x: Tensor) -> Tensor:
    """What `stored` was given: float32, or `CompactItems` of so many images that float32 needs over `LARGE` bytes."""
    if event.levels is None:
        return x
    return cast(Tensor, CompactItems(x, event.value)) if is_large(event, len(x)) else event.value(x.long())


def is_large(event: Event, count: int) -> bool:
    """Whether so many images are held as levels, and converted a batch at a time."""
    return event.levels is not None and count * event.dims * torch.float32.itemsize > LARGE


@torch.no_grad()
def latent_plane(model: GenerativeModel, event: Event, data: Batch) -> Tensor | None:
    """Decode the middle of the standard normal prior over a two-dimensional code.

    Codes lie at the normal's quantiles, evenly spread in probability (Kingma & Welling 2014, arXiv:1312.6114, fig. 4).

    Args:
        model: the trained model.
        event: of its task.
        data: x (N, *event) and c (N, *condition), of which the first condition is used.

    Returns:
        (SIDE, SIDE, *event), the first code growing to the right, the second upwards; None for what is not an image,
        has no prior over its code, or has another number of code dimensions.
    """
    if not (isinstance(model, Reconstructs) and isinstance(model, Weighted) and event.kind == "images"):
        return None
    device = device_of(model)
    x, c = (part[:1].to(device) for part in data)
    if model.encode(x, c).shape[1] != 2:
        return None
    steps = torch.special.ndtri((torch.arange(SIDE) + 0.5) / SIDE)
    up, right = torch.meshgrid(steps.flip(0), steps, indexing="ij")
    z = torch.stack([right, up], dim=-1).flatten(0, 1).to(device)  # (SIDE SIDE, 2)
    return model.decode(z, c.expand(len(z), *c.shape[1:])).unflatten(0, (SIDE, SIDE)).cpu()
