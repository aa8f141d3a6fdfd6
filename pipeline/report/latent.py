"""The latent plane of each model that has one: what the codes of two dimensions decode to."""

from __future__ import annotations

from matplotlib.figure import Figure

from pipeline.data import manifest
from pipeline.report import style
from pipeline.report.board import Board, Standing
from pipeline.report.tiles import Array, tiled


def draw(board: Board) -> Figure | None:
    """None where no model of the task has a plane."""
    planes = {s.model: found for s in board.standings if (found := _plane(s)) is not None}
    if not planes:
        return None
    levels = manifest.read(board.task).event.levels or 2
    figure, axes = style.panels(len(planes), side=4.4)
    for axis, (model, images) in zip(axes, planes.items(), strict=True):
        axis.imshow(tiled(images / (levels - 1), gap=0), interpolation="nearest")
        axis.set_title(f"{model}: the latent plane")
        axis.set(xlabel="first code: quantiles of N(0, 1)", ylabel="second code: quantiles of N(0, 1)")
        axis.spines[:].set_visible(False)
    return figure


def _plane(standing: Standing) -> Array | None:
    if standing.control or not standing.cells:
        return None
    return manifest.read_samples(standing.cells[0]).get("plane")
