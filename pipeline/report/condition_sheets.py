"""Sheets of conditions, drawn with matplotlib: a row for each condition, several samples of each model given it.

A class is a word at the row's head, a box an outline, a segmentation a colour for each label, grayscale an image.
Real images come first: the held-out one that a condition was taken from; for a class several that share it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pipeline.data import manifest
from pipeline.report import style
from pipeline.report.leaderboard import Board, Standing
from pipeline.report.sample_sheets import GAP, Array, blank_figure, tiled

CLASSES, ROWS = 10, 6
"""Conditions on a sheet at most: classes, and any other kind."""
CLASS_DRAWS, DRAWS = 4, 3
"""Samples of a model for each of them."""
PAPER = 0.96
"""Grey level on which a box is drawn: lighter than the lines between the images."""
LINE = 24
"""Images in a line at most: more would be too small to see."""
WIDTH, TILE = 9.6, 0.48
"""Inches: of a sheet at most, and of an image at most."""
MARGIN, TITLE = 0.1, 0.35
"""Inches: between panels, and above them."""
LETTER = 0.07
"""Inches of a letter in a title, about."""


class SheetPanel(NamedTuple):
    """images (R, K, C, H, W) in [0, 1]: R rows of K. `boxes` (R, 4) in [0, 1]: outlines to draw on the first column."""

    title: str
    images: Array
    boxes: Array | None = None

    @property
    def columns(self) -> int:
        return int(self.images.shape[1])


class Answers(NamedTuple):
    """c (K, *condition) and the samples given each: x (K, draws, C, H, W) in [0, 1]."""

    c: Array
    x: Array


def draw_conditions(board: Board) -> Figure | None:
    """None where the task is not of images or has no condition, or no model's samples for one are stored."""
    known = manifest.read(board.task)
    kind, levels = known.condition.kind, known.event.levels
    if kind == "none" or levels is None or len(known.event.shape) != 3:
        return None
    models = {s.model: answers for s in board.standings if (answers := _answers(s, levels))}
    if not models:
        return None
    test = manifest.read_split(board.task, "test", known)
    real, asked = Answers(test["c"], test["x"][:, None] / (levels - 1)), next(iter(models.values())).c
    if kind == "class":
        c, draws = np.sort(asked)[:CLASSES], CLASS_DRAWS
        lead, heads = [SheetPanel("held-out data", rows(c, real, draws))], [str(one) for one in c]
    else:
        c, draws = asked[:ROWS], DRAWS
        lead, heads = [_given(kind, c, known.event.shape), SheetPanel("real", rows(c, real, 1))], []
    return sheet(lead, [SheetPanel(model, rows(c, answers, draws)) for model, answers in models.items()], heads)


def rows(c: Array, answers: Answers, count: int) -> Array:
    """(R, count, C, H, W): for each of c (R, *condition) the first images that answer it, then empty places."""
    shape = answers.x.shape[2:]
    places = np.full((len(c), count, *shape), GAP)
    for place, one in zip(places, c, strict=True):
        same = (answers.c == one).reshape(len(answers.c), -1).all(axis=1)
        x = answers.x[same].reshape(-1, *shape)[:count]
        place[: len(x)] = x
    return places


def _given(kind: str, c: Array, shape: list[int]) -> SheetPanel:
    """The conditions themselves, drawn."""
    if kind == "box":
        return SheetPanel("given", np.full((len(c), 1, 1, *shape[1:]), PAPER), boxes=c)
    if kind == "segmentation":
        palette = np.array([to_rgb(colour) for colour in style.LABELS])
        return SheetPanel("given", palette[c % len(palette)].transpose(0, 3, 1, 2)[:, None])  # (R, 1, 3, H, W)
    return SheetPanel("given", (c[:, None] + 1) / 2)  # (R, 1, 1, H, W)


def _answers(standing: Standing, levels: int) -> Answers | None:
    """Of a model's first measured seed; None where its samples are not in this folder."""
    if standing.control or standing.first is None:
        return None
    arrays = manifest.read_samples(standing.first)
    both = {"repeated", "repeated_c"} <= arrays.keys()
    return Answers(arrays["repeated_c"], arrays["repeated"] / (levels - 1)) if both else None


def sheet(lead: Sequence[SheetPanel], others: Sequence[SheetPanel], heads: Sequence[str]) -> Figure:
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
    figure = blank_figure(*size)
    for line, axes in enumerate(figure.subplots(lines, len(widths), squeeze=False, width_ratios=widths)):
        for axis in axes:
            axis.set_axis_off()
            axis.set_anchor("N")
        for axis, panel in zip(axes, (*lead, *others[line * each : (line + 1) * each]), strict=False):
            _paint_panel(axis, panel, tile)
        _lead(axes[: len(lead)], heads)
    return figure


def _paint_panel(axis: Axes, panel: SheetPanel, tile: float) -> None:
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
