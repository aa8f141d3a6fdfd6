"""A sheet of panels: the leading ones at the head of each line, then as many others as can still be seen."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pipeline.report import style
from pipeline.report.tiles import Array, tiled

LINE = 24
"""Images beside each other at most: more would be too small to see."""
WIDTH, TILE = 9.6, 0.48
"""Inches: of a sheet at most, and of an image at most."""
MARGIN, TITLE = 0.1, 0.35
"""Inches: beside a panel, and above it."""
LETTER = 0.07
"""Inches of a letter in a title, about."""


class Panel(NamedTuple):
    """images (R, K, C, H, W) in [0, 1]: R rows of K. `boxes` (R, 4) in [0, 1]: outlines to draw on the first column."""

    title: str
    images: Array
    boxes: Array | None = None

    @property
    def columns(self) -> int:
        return int(self.images.shape[1])


def draw(lead: Sequence[Panel], others: Sequence[Panel], heads: Sequence[str]) -> Figure:
    """Panels of equally many rows, images of one size; `heads`: a word for each row, or none at all."""
    room = max(1, (LINE - sum(panel.columns for panel in lead)) // others[0].columns)
    lines = -(-len(others) // room)
    each = -(-len(others) // lines)
    pictures = [tiled(panel.images).shape for panel in (*lead, *others[:each])]
    widths = [width for _, width, _ in pictures]
    columns = sum(panel.columns for panel in (*lead, *others[:each]))
    tile = min(TILE, (WIDTH - MARGIN * len(widths)) / columns)
    inch = tile * columns / sum(widths)
    size = (sum(widths) * inch + MARGIN * len(widths), lines * (pictures[0][0] * inch + TITLE))
    figure = style.sheet(*size)
    for line, axes in enumerate(figure.subplots(lines, len(widths), squeeze=False, width_ratios=widths)):
        for axis in axes:
            axis.set_axis_off()
            axis.set_anchor("N")
        for axis, panel in zip(axes, (*lead, *others[line * each : (line + 1) * each]), strict=False):
            _paint(axis, panel, tile)
        _lead(axes[: len(lead)], heads)
    return figure


def _paint(axis: Axes, panel: Panel, tile: float) -> None:
    axis.imshow(tiled(panel.images), interpolation="nearest")
    axis.set_title(_folded(panel.title, tile * panel.columns), fontsize=8)
    if panel.boxes is not None:
        height, width = panel.images.shape[-2:]
        for row, (left, top, right, bottom) in enumerate(panel.boxes):
            corner = (0.5 + left * width, 0.5 + row * (height + 1) + top * height)  # pixels' centres are whole numbers
            size = ((right - left) * width, (bottom - top) * height)
            axis.add_patch(Rectangle(corner, *size, fill=False, color=style.INK, lw=1.5))


def _lead(axes: Sequence[Axes], heads: Sequence[str]) -> None:
    """Leading panels have bold titles, and the first one the rows' heads."""
    for axis in axes:
        axis.title.set_fontweight("bold")
    for row, head in enumerate(heads):
        height = (row + 0.5) / len(heads)
        axes[0].text(-0.04, 1 - height, head, transform=axes[0].transAxes, ha="right", va="center", fontsize=9)


def _folded(name: str, inches: float) -> str:
    """A long name on several lines, broken after its underscores."""
    words = textwrap.wrap(name.replace("_", "_ "), max(8, int(inches / LETTER)), break_long_words=False)
    return "\n".join(line.replace("_ ", "_") for line in words)
