"""The benchmark as it stands on disk, read once: what the report writes, and what its tables elsewhere show."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from pipeline.params import Params
from pipeline.report.board import Board, boards
from pipeline.results import external, outcomes, table
from pipeline.results.outcomes import Outcome


@dataclass(frozen=True)
class Benchmark:
    """`outcomes`: the cells of the grid. `numbers`: theirs and those of the scored files, as in results.csv. `boards`:
    with the scored files as rows of their own."""

    outcomes: list[Outcome]
    numbers: pd.DataFrame
    boards: list[Board]

    @property
    def trained(self) -> pd.DataFrame:
        """The numbers of the cells alone."""
        return self.numbers[self.numbers["family"] != external.EXTERNAL]


def read(params: Params) -> Benchmark:
    """Raises `UserError` where nothing is measured, a file is damaged, or a column holds two protocols."""
    cells = outcomes.read(params)
    scored = external.read(params, cells)
    numbers = table.tidy([*cells, *scored])
    return Benchmark(cells, numbers, boards(params, cells, numbers, scored))
