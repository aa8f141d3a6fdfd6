"""The training curve of a cell on disk: a loss or validation score for each step that was written down."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from pipeline import files, paths
from pipeline.paths import Cell


class CurveRow(BaseModel):
    """A row of the file. `value` may be infinite or not a number, as a loss that diverges is."""

    step: Annotated[int, Field(ge=0, lt=2**31)]
    player: Annotated[str, Field(min_length=1, max_length=100)]
    part: Annotated[str, Field(min_length=1, max_length=100)]
    value: float


def read(cell: Cell) -> list[CurveRow]:
    """Raises `UserError` where the file is missing or damaged."""
    hint = f"coverseek train --task {cell.task} --model {cell.model} --seed {cell.seed}"
    return files.read_csv(paths.curve(cell), hint, CurveRow)
