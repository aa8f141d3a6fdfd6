"""Coloured squares on a dark ground, 8 x 8, with all of their truth: three colours, four quarters."""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.contract import Condition, Event, Factor, Task

EVENT = Event((3, 8, 8), levels=256)
FACTORS = (Factor("colour", (0.5, 0.3, 0.2)), Factor("quarter", (0.25,) * 4))
CONDITIONS = {
    "none": Condition(),
    "class": Condition("class", (), 3),
    "box": Condition("box", (4,)),
    "segmentation": Condition("segmentation", (8, 8), 4),
    "grayscale": Condition("grayscale", (1, 8, 8)),
}
KINDS = ("class", "box", "segmentation", "factors")


def task(kind: str) -> Task:
    return Task(f"squares_{kind}", EVENT, CONDITIONS[kind], factors=FACTORS)


def squares(count: int, seed: int) -> tuple[Tensor, dict[str, Tensor]]:
    """x (N, 3, 8, 8) on the grid, and what it shows, by kind of condition or judge."""
    generator = torch.Generator().manual_seed(seed)
    factors = torch.stack(
        [torch.multinomial(torch.tensor(f.weights), count, replacement=True, generator=generator) for f in FACTORS],
        dim=1,
    )
    colour, quarter = factors.unbind(dim=1)
    top, left = quarter // 2, quarter % 2
    place = torch.arange(8) // 4
    inside = (place[None, :, None] == top[:, None, None]) & (place[None, None, :] == left[:, None, None])  # (N, 8, 8)
    lit = torch.eye(3)[colour][:, :, None, None] * inside[:, None]
    x = EVENT.quantise(2 * lit - 1 + 0.2 * torch.randn(lit.shape, generator=generator))
    truth = {
        "none": torch.empty(count, 0),
        "class": colour,
        "box": torch.stack([left, top, left + 1, top + 1], dim=1) / 2,
        "segmentation": torch.where(inside, colour[:, None, None] + 1, 0),
        "factors": factors,
    }
    return x, truth
