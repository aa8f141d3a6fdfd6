"""The latent plane of each model that has one: what the codes of two dimensions decode to."""

from __future__ import annotations

from matplotlib.figure import Figure

from pipeline import files, paths
from pipeline.report import style
from pipeline.report.board import Board, Standing
from pipeline.report.tiles import Array, tiled


def draw(board: Board) -> Figure | None:
    """None where no model of the task has a plane."""
    planes = {s.model: found for s in board.standings if (found := _plane(s)) is not None}
    if not planes:
        return None
    mend = f"coverseek prepare --task {board.task}"
    levels = files.read_json(paths.prepared(board.task) / "manifest.json", mend)["event"]["levels"]
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
    cell = standing.cells[0]
    mend = f"coverseek evaluate --task {cell.task} --model {cell.model} --seed {cell.seed}"
    return files.read_npz(paths.samples(cell), mend).get("plane")
