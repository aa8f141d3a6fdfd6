"""Which cells of a table were not measured in this folder: an earlier run measured and committed them."""

from __future__ import annotations

from collections.abc import Collection

from pipeline.paths import Cell
from pipeline.report.leaderboard import Board


def sentence(board: Board) -> str:
    """'Committed rows: 3 of 9 cells (vae), measured by an earlier run, by older code'; empty where there are none."""
    cells, older = board.committed, [cell for cell, is_older in board.committed.items() if is_older]
    if not cells:
        return ""
    which = f" ({_cells(board, cells)})" if len(cells) < board.count else ""
    by = ", by older code" if older else ""
    some = f" of {_cells(board, older)}" if 0 < len(older) < len(cells) else ""
    return f"Committed rows: {len(cells)} of {board.count} cells{which}, measured by an earlier run{by}{some}"


def _cells(board: Board, cells: Collection[Cell]) -> str:
    """'vae, gan seeds 0, 2': a model alone where all its seeds are among them."""
    parts = []
    for standing in board.standings:
        seeds = [str(cell.seed) for cell in cells if cell.model == standing.model]
        if seeds:
            every = {*standing.cells} <= {*cells}
            parts.append(
                standing.model if every else f"{standing.model} seed{'s' * (len(seeds) > 1)} {', '.join(seeds)}"
            )
    return ", ".join(parts)
