"""The schema of a trained model's model.json. It imports no torch, so that reports and the tracker can read it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, model_validator

from pipeline import files, paths
from pipeline.paths import Cell


class Diverged(BaseModel):
    """Where a loss stopped being finite."""

    step: int
    player: str


class Record(BaseModel):
    """The result of training a cell.

    Attributes:
        sha256: of the weights; a diverged cell has none.
        operations: of a round with floating-point numbers, as `pipeline.training.cost` counts.
        device: the GPU that it was trained on; None for the CPU.
    """

    status: Literal["ok", "diverged"]
    family: str
    recipe: str
    hyper: dict[str, Any]
    sha256: str | None = None
    task: str | None = None
    model: str | None = None
    seed: int | None = None
    training: dict[str, Any] = {}
    parameters: Annotated[int, Field(ge=0)] | None = None
    operations: Annotated[int, Field(ge=0)] | None = None
    steps: int | None = None
    best_step: int | None = None
    device: str | None = None
    diverged: Diverged | None = None

    @model_validator(mode="after")
    def _weights(self) -> Record:
        if self.status == "ok" and self.sha256 is None:
            raise ValueError("the sha256 of the weights is missing")
        return self


def command(cell: Cell) -> str:
    """The command that trains a cell again."""
    return f"coverseek train --task {cell.task} --model {cell.model} --seed {cell.seed}"


def read(cell: Cell) -> dict[str, Any]:
    """model.json, checked. Raises `UserError` where it is missing or damaged."""
    return files.read_json(paths.trained(cell) / "model.json", command(cell), schema=Record)
