"""Names beside markers: each takes the nearest free place; one that finds none is left to the chart's table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

LETTER, LINE, MARKER = 5.9, 12.0, 6.0
"""Pixels: the mean width of a letter, the height of a line, half of a marker with some air."""
PLACES = [
    (reach, angle * math.pi / 8) for reach in (11.0, 17.0, 25.0) for angle in (0, 8, 1, -1, 7, -7, 2, -2, 6, -6, 4, -4)
]


class Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def within(self, width: float, height: float) -> bool:
        return self.left >= 0 and self.top >= 0 and self.right <= width and self.bottom <= height


class Name(NamedTuple):
    """Its centre in pixels, from the left and the top."""

    text: str
    x: float
    y: float


def place(markers: Sequence[Name], width: float, height: float) -> Iterable[Name]:
    """Markers with their names -> the names that found a place, in the frame and on nothing else."""
    taken = [_box(x, y, MARKER, MARKER) for _, x, y in markers]
    for text, x, y in markers:
        for reach, angle in PLACES:
            half = LETTER * len(text) / 2
            centre = x + math.cos(angle) * (reach + half), y - math.sin(angle) * reach
            box = _box(*centre, half, LINE / 2)
            if box.within(width, height) and not any(map(box.meets, taken)):
                taken.append(box)
                yield Name(text, *centre)
                break


def _box(x: float, y: float, across: float, down: float) -> Box:
    return Box(x - across, y - down, x + across, y + down)
