"""All outcomes on disk with their results and leaderboards, read once for all outputs of a report."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.params import Params
from pipeline.report.leaderboard import Board, boards
from pipeline.results import external, outcomes
from pipeline.results.outcomes import Outcome
from pipeline.results.table import Results


@dataclass(frozen=True)
class Benchmark:
    """All results and what is derived from them.

    Attributes:
        outcomes: the cells of the grid.
        results: their numbers and those of the external models, as in results.csv.
        boards: the leaderboards, which include the external models.
    """

    outcomes: list[Outcome]
    results: Results
    boards: list[Board]


def read(params: Params) -> Benchmark:
    """Raises `UserError` where nothing is measured, a file is damaged, or a column holds two protocols."""
    cells = outcomes.read(params)
    scored = external.read(params, cells)
    results = Results.from_outcomes([*cells, *scored])
    return Benchmark(cells, results, boards(params, cells, results, scored))
