"""Greedy label placement: each name takes the nearest position that overlaps no marker, no other name and few bars.

A name that stands away from its marker is joined to it by a line. A name without a free position is left out: the
table of the chart has it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

LETTER, LINE, MARKER = 6.1, 12.0, 6.0
"""Pixels: the mean width of a letter, the height of a line, half of a marker with some room."""
NEAR = 17.0
"""Pixels from the marker, from which on a name has a line."""
STEP = 10.0
"""Pixels between the boxes that cover a line."""
OFFSETS = [
    (reach, angle * math.pi / 8)
    for reach in (11.0, NEAR, 25.0, 36.0, 50.0, 66.0, 84.0)
    for angle in (0, 8, 1, -1, 7, -7, 2, -2, 6, -6, 4, -4)
]


class Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def within(self, width: float, height: float) -> bool:
        return self.left >= 0 and self.top >= 0 and self.right <= width and self.bottom <= height


class Marker(NamedTuple):
    """A marker and its error bars, in pixels from the left and the top. `bars` are (left, right), (top, bottom)."""

    name: str
    x: float
    y: float
    bars: tuple[tuple[float, float], tuple[float, float]] | None = None

    @property
    def box(self) -> Box:
        return around(self.x, self.y, MARKER, MARKER)

    @property
    def bar_boxes(self) -> list[Box]:
        if self.bars is None:
            return []
        (left, right), (top, bottom) = self.bars
        return [Box(left, self.y - 1, right, self.y + 1), Box(self.x - 1, top, self.x + 1, bottom)]


class Name(NamedTuple):
    """The centre of a name, and where a line from its marker begins and ends; None where it needs none."""

    text: str
    x: float
    y: float
    line: tuple[float, float, float, float] | None

    @property
    def box(self) -> Box:
        return around(self.x, self.y, LETTER * len(self.text) / 2, LINE / 2)


def place(
    markers: Sequence[Marker],
    width: float,
    height: float,
    named: Sequence[Marker] | None = None,
    lines: Sequence[Sequence[tuple[float, float]]] = (),
) -> Iterator[Name]:
    """Positions of the names, within a frame of `width` x `height` pixels.

    Args:
        markers: all markers.
        named: the markers whose names are placed; all of them if None.
        lines: the corners of drawn lines, which names avoid as they avoid bars.
    """
    taken, bars = [marker.box for marker in markers], [box for marker in markers for box in marker.bar_boxes]
    bars += [box for corners in lines for ends in pairwise(corners) for box in _along(*ends)]
    for marker in markers if named is None else named:
        free = [
            (sum(map(name.box.overlaps, bars)), rank, name)
            for rank, name in enumerate(_candidates(marker))
            if name.box.within(width, height) and not any(map(name.box.overlaps, taken))
        ]
        if free:
            _, _, name = min(free)
            taken.append(name.box)
            yield name


def _candidates(marker: Marker) -> Iterator[Name]:
    """Nearest first."""
    half = LETTER * len(marker.name) / 2
    for reach, angle in OFFSETS:
        across, down = math.cos(angle), -math.sin(angle)
        x, y = marker.x + across * (reach + half), marker.y + down * reach
        ends = (marker.x + across * MARKER, marker.y + down * MARKER, x - across * half, y - down * LINE / 2)
        yield Name(marker.name, x, y, ends if reach > NEAR else None)


def _along(start: tuple[float, float], end: tuple[float, float]) -> Iterator[Box]:
    """Small boxes that cover a line."""
    steps = max(1, math.ceil(math.dist(start, end) / STEP))
    for k in range(steps + 1):
        x, y = (a + (b - a) * k / steps for a, b in zip(start, end, strict=True))
        yield around(x, y, 1, 1)


def around(x: float, y: float, across: float, down: float) -> Box:
    return Box(x - across, y - down, x + across, y + down)
