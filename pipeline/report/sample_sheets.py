"""Sheets of samples, drawn with matplotlib: held-out data first, then one panel for each model (its first seed).

A second sheet shows the latent planes: what the codes of two dimensions decode to.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from numpy.typing import NDArray

from pipeline.data import manifest
from pipeline.data.manifest import EventSchema, MixtureSchema
from pipeline.report import style
from pipeline.report.leaderboard import Board, Standing
from pipeline.report.waveforms import amplitudes, spectrogram, window_of

Array = NDArray[Any]

SIDE = 8
"""Images on a panel: SIDE x SIDE."""
POINTS = 2500
"""Points on a panel at most: as many on each, or density would mislead the eye."""
CURVES = 5
"""Sequences on a panel."""
GAP = 0.85
"""Grey level of the lines between the images: neither black nor white."""
DPI = 100
SETTINGS: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.edgecolor": "#999999",
    "axes.labelcolor": style.INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": style.INK,
    "ytick.color": style.INK,
    "text.color": style.INK,
    "legend.frameon": False,
}


class Truth(NamedTuple):
    """The held-out data, real (N, *event), and for points the circles around the true modes."""

    real: Array
    event: EventSchema
    modes: list[list[float]]
    reach: float


def draw_samples(board: Board) -> Figure | None:
    """None where no model of the task has samples in this folder."""
    models = [s for s in board.standings if s.role == "model"]
    if not any(s.first for s in models):
        return None
    task = _read(board.task)
    figure, axes = panels(1 + len(models), side=2.4)
    axes[0].set_title("held-out data", fontweight="bold")
    _paint(axes[0], task.real, task, style.INK)
    for axis, standing in zip(axes[1:], models, strict=True):
        axis.set_title(standing.model)
        if standing.first:
            _paint(axis, manifest.read_samples(standing.first)["x"], task, style.look(standing.family).colour)
        else:
            why = "measured by an earlier run" if standing.cells else standing.status.partition(",")[0]
            axis.text(0.5, 0.5, why, ha="center", va="center", fontsize=8)
    return figure


def mosaic(x: Array, levels: int) -> Array:
    """Level indices (N, C, H, W) -> one picture (SIDE (H+1) + 1, SIDE (W+1) + 1, 3) in [0, 1]; grey unless C = 3."""
    colours = np.full((SIDE * SIDE, *x.shape[1:]), GAP)
    colours[: len(x)] = x[: SIDE * SIDE] / (levels - 1)
    return tiled(colours.reshape(SIDE, SIDE, *x.shape[1:]))


def _read(task: str) -> Truth:
    known = manifest.read(task)
    real = manifest.read_split(task, "test", known)["x"]
    mixture = known.truth if isinstance(known.truth, MixtureSchema) else None
    means, sigma = (mixture.means, mixture.sigma) if mixture else ([], 0.0)
    return Truth(real, known.event, means, 3 * sigma)


def _paint(axis: Axes, x: Array, truth: Truth, colour: str) -> None:
    if len(truth.event.shape) == 2:
        _paint_sequences(axis, x, truth, colour)
    elif truth.event.levels is None:
        _paint_points(axis, x[:POINTS], truth, colour)
    else:
        axis.imshow(mosaic(x, truth.event.levels), interpolation="nearest")
        axis.spines[:].set_visible(False)


def _paint_sequences(axis: Axes, x: Array, truth: Truth, colour: str) -> None:
    """Curves of the first channel one below the other, at the scale of the real data; below them, of a sound, its
    spectrogram."""
    real, shown = amplitudes(truth.real[:, 0], truth.event), amplitudes(x[:CURVES, 0], truth.event)
    low, high = float(real.min()), float(real.max())
    curves = 0.75 if truth.event.rate else 1.0
    each = curves / CURVES
    for place, curve in enumerate(shown):
        base = 1 - (place + 1) * each
        share = (curve - low) / max(high - low, 1e-9)
        axis.plot(np.linspace(0, 1, len(curve)), base + 0.9 * each * share.clip(0, 1), color=colour, lw=0.7)
    axis.set(xlim=(0, 1), ylim=(0, 1))
    if truth.event.rate and len(shown):
        picture = spectrogram(shown[0], window_of(shown.shape[1]))
        axis.imshow(picture, extent=(0, 1, 0, 1 - curves), origin="lower", aspect="auto", cmap="gray_r")
        axis.set_ylim(0, 1)


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


def draw_latent_planes(board: Board) -> Figure | None:
    """None where no model of the task has a plane."""
    planes = {s.model: found for s in board.standings if (found := _plane(s)) is not None}
    if not planes:
        return None
    levels = manifest.read(board.task).event.levels or 2
    figure, axes = panels(len(planes), side=4.4)
    for axis, (model, images) in zip(axes, planes.items(), strict=True):
        axis.imshow(tiled(images / (levels - 1), gap=0), interpolation="nearest")
        axis.set_title(f"{model}: the latent plane")
        axis.set(xlabel="first code: quantiles of N(0, 1)", ylabel="second code: quantiles of N(0, 1)")
        axis.spines[:].set_visible(False)
    return figure


def _plane(standing: Standing) -> Array | None:
    if standing.control or standing.first is None:
        return None
    return manifest.read_samples(standing.first).get("plane")


def tiled(images: Array, gap: int = 1) -> Array:
    """(R, K, C, H, W) in [0, 1] -> R rows of K, (R (H + gap) + gap, K (W + gap) + gap, 3); grey unless C = 3."""
    rows, columns, _, height, width = images.shape
    picture = np.full((rows, columns, 3, height + gap, width + gap), GAP)
    picture[..., gap:, gap:] = images if images.shape[2] == 3 else images[:, :, :1]
    picture = picture.transpose(0, 3, 1, 4, 2).reshape(rows * (height + gap), columns * (width + gap), 3)
    return np.pad(picture, ((0, gap), (0, gap), (0, 0)), constant_values=GAP)


@contextmanager
def fixed_settings() -> Iterator[None]:
    """The same settings on every machine, not those of the user's matplotlibrc."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        yield


def blank_figure(width: float, height: float) -> Figure:
    """An empty figure, inches, on an Agg canvas of its own: no global state."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def panels(count: int, side: float) -> tuple[Figure, list[Axes]]:
    """`count` square panels of `side` inches in rows of at most four, as equally filled as can be."""
    rows = -(-count // 4)
    columns = -(-count // rows)
    figure = blank_figure(columns * side, rows * (side + 0.25))
    axes = [axis for row in figure.subplots(rows, columns, squeeze=False) for axis in row]
    for axis in axes:
        axis.set_xticks([])
        axis.set_yticks([])
        axis.set_box_aspect(1)
        axis.spines[:].set_visible(True)
    for axis in axes[count:]:
        axis.set_axis_off()
    return figure, axes[:count]


def save(figure: Figure, path: Path) -> None:
    figure.savefig(path, format="png", metadata={"Software": None})
