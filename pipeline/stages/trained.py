"""A trained cell as it is opened by what measures it: its data, its model and its settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pipeline import device as devices
from pipeline import params
from pipeline.contract import GenerativeModel, Task
from pipeline.data import prepared
from pipeline.data.prepared import Prepared
from pipeline.errors import UserError
from pipeline.params import Evaluation, Params
from pipeline.paths import Cell
from pipeline.training import checkpoint, reproducible


class TrainedCell(NamedTuple):
    """`model` is None if training diverged."""

    configured: Params
    data: Prepared
    model: GenerativeModel | None
    manifest: Mapping[str, Any]
    settings: Evaluation

    def known(self, *keys: str) -> dict[str, Any]:
        """What its manifest says of `keys`, those that it has."""
        return {key: self.manifest[key] for key in keys if key in self.manifest}


def load(cell: Cell) -> TrainedCell:
    """Everything starts from the cell's own seed; the model is on the device of the settings.

    Raises:
        UserError: the task is unknown, the cell is not trained, or what was written is damaged.
    """
    configured = params.load()
    configured.task(cell.task)
    reproducible.seed(cell.seed)
    data = prepared.load(cell.task)
    model, manifest = checkpoint.load(cell, data.task)
    if model is not None:
        model.to(devices.resolve(configured.device))
    events = configured.events(cell, data.task.event.kind)
    name, evaluation = configured.evaluation_of(cell.task, events)
    params.check_held_out(evaluation, len(data.test[0]), name, cell.task)
    return TrainedCell(configured, data, model, manifest, evaluation)


def knob(model: GenerativeModel, cell: Cell, task: Task, hint: str) -> str:
    """The knob that can be turned. Raises `UserError` where there is none, or guidance has nothing to turn towards;
    `hint` says what to do then."""
    if model.knob is None:
        raise UserError(f"model {cell.model} has no knob: {hint}; coverseek models lists which have one")
    if model.knob == "guidance" and task.condition.kind == "none":
        raise UserError(f"guidance needs a condition, and task {cell.task} has none: {hint}")
    return model.knob
