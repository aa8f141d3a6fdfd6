"""All outcomes on disk with their results and leaderboards, read once for all outputs of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.params import Params
from pipeline.report.leaderboard import Board, boards
from pipeline.results import external, outcomes
from pipeline.results.outcomes import Outcome
from pipeline.results.record import recorded
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
    """Of what was measured in this folder.

    Raises:
        UserError: nothing is measured, a file is damaged, or a column holds two protocols.
    """
    return of(params, outcomes.every(params))


def of(params: Params, every: Sequence[Outcome]) -> Benchmark:
    """Of the suites that are shown, with the numbers as the record has them.

    Args:
        params: the configuration.
        every: the outcome of each cell, in the order of `params.cells`.

    Raises:
        UserError: nothing is measured, a file is damaged, or a column holds two protocols.
    """
    cells = list(map(recorded, outcomes.selected(params, every)))
    scored = list(map(recorded, external.read(params, cells)))
    results = Results.from_outcomes([*cells, *scored])
    return Benchmark(cells, results, boards(params, cells, results, scored))
