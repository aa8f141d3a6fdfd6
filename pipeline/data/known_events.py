"""The event of a standard image set before its files are there: what a cost estimate needs."""

from __future__ import annotations

from pipeline.contract import Event
from pipeline.data.image_transform import STORED, ImageTransform
from pipeline.params import Data

SHAPES = {
    "mnist": (1, 28, 28), "fashion_mnist": (1, 28, 28), "kmnist": (1, 28, 28), "emnist": (1, 28, 28),
    "cifar10": (3, 32, 32), "cifar100": (3, 32, 32), "svhn": (3, 32, 32), "celeba": (3, 218, 178),
}  # fmt: skip
"""Dataset -> (C, H, W) as stored."""


def known_event(data: Data) -> Event | None:
    """The event of a task's `data`; None where its size is not known before it is prepared."""
    if data.dataset not in SHAPES:
        return None
    channels, height, width = SHAPES[data.dataset]
    keywords = data.keywords
    side, levels = keywords.get("side"), keywords.get("levels", STORED)
    frame = ImageTransform(side, keywords.get("crop"), levels).frame(width, height)
    size = (side, side) if side else (round(frame.height), round(frame.width))
    return Event((channels, *size), levels=levels)
