"""Samples side by side: held-out data first, then one panel for each model (its first measured seed)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from pipeline.data import manifest
from pipeline.report import style
from pipeline.report.board import Board, Standing
from pipeline.report.tiles import GAP, Array, tiled

SIDE = 8
"""Images on a panel: SIDE x SIDE."""
POINTS = 2500
"""Points on a panel at most: as many on each, or density would mislead the eye."""


class Truth(NamedTuple):
    """What samples are held against: real (N, *event), and for points the circles around the true modes."""

    real: Array
    levels: int | None
    modes: list[list[float]]
    reach: float


def draw(board: Board) -> Figure | None:
    """None where no model of the task has samples."""
    models = [s for s in board.standings if s.role == "model"]
    if not any(s.cells for s in models):
        return None
    task = _read(board.task)
    figure, axes = style.panels(1 + len(models), side=2.4)
    axes[0].set_title("held-out data", fontweight="bold")
    _paint(axes[0], task.real, task, style.INK)
    for axis, standing in zip(axes[1:], models, strict=True):
        axis.set_title(standing.model)
        if standing.cells:
            _paint(axis, _samples(standing), task, style.look(standing.family).colour)
        else:
            axis.text(0.5, 0.5, standing.status.partition(",")[0], ha="center", va="center", fontsize=8)
    return figure


def mosaic(x: Array, levels: int) -> Array:
    """Level indices (N, C, H, W) -> one picture (SIDE (H+1) + 1, SIDE (W+1) + 1, 3) in [0, 1]; grey unless C = 3."""
    colours = np.full((SIDE * SIDE, *x.shape[1:]), GAP)
    colours[: len(x)] = x[: SIDE * SIDE] / (levels - 1)
    return tiled(colours.reshape(SIDE, SIDE, *x.shape[1:]))


def _read(task: str) -> Truth:
    known = manifest.read(task)
    real = manifest.read_split(task, "test", known)["x"]
    means, sigma = (known.truth.means, known.truth.sigma) if known.truth else ([], 0.0)
    return Truth(real, known.event.levels, means, 3 * sigma)


def _samples(standing: Standing) -> Array:
    return manifest.read_samples(standing.cells[0])["x"]


def _paint(axis: Axes, x: Array, truth: Truth, colour: str) -> None:
    if truth.levels is None:
        _paint_points(axis, x[:POINTS], truth, colour)
    else:
        axis.imshow(mosaic(x, truth.levels), interpolation="nearest")
        axis.spines[:].set_visible(False)


def _paint_points(axis: Axes, x: Array, truth: Truth, colour: str) -> None:
    """Dots under the modes' circles of 3 sigma; the frame is the real data's, and what falls outside is counted."""
    low, high = truth.real.min(axis=0), truth.real.max(axis=0)
    centre, reach = (low + high) / 2, float((high - low).max()) * 0.65
    axis.scatter(x[:, 0], x[:, 1], s=2, color=colour, alpha=0.5, linewidths=0)
    for mean in truth.modes:
        axis.add_patch(Circle((mean[0], mean[1]), truth.reach, fill=False, color=style.INK, lw=0.5, zorder=3))
    axis.set(xlim=(centre[0] - reach, centre[0] + reach), ylim=(centre[1] - reach, centre[1] + reach))
    outside = int((np.abs(x - centre) > reach).any(axis=1).sum())
    if outside:
        axis.set_xlabel(f"{outside:,} of {len(x):,} outside", fontsize=7)
