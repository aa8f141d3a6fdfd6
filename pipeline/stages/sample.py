"""`coverseek sample`: a trained cell and conditions -> a folder with its samples and how they were drawn."""

from __future__ import annotations

import math
from pathlib import Path

from torch import Tensor

from pipeline import device as devices
from pipeline import files, params
from pipeline.contract import Batch, GenerativeModel, Task
from pipeline.data import conditions, export, prepared
from pipeline.errors import UserError
from pipeline.metrics.evaluation.draws import draw, stored
from pipeline.paths import Cell
from pipeline.stages.trained import knob
from pipeline.training import checkpoint, reproducible

LEAST, MOST = {"temperature": 0.01}, 100.0
"""The range of a knob, from 0 unless named: a temperature of 0 divides by 0, and more than 100 gives noise."""


def main(
    task: str, model: str, seed: int, *, condition: str | None, condition_file: Path | None, count: int, out: Path,
    setting: float | None, draw_seed: int,
) -> None:  # fmt: skip
    """Draw `count` samples under the conditions given, which are cycled, or those of the test split in order.

    Raises:
        UserError: the cell, a condition, the knob or the folder does not fit; the folder is then not written.
    """
    configured, cell = params.load(), Cell(task, model, seed)
    configured.task(task)
    _check_output(out)
    data = prepared.load(task)
    configured.model(data.task.event.kind, model)
    c = _conditions(data.task, condition, condition_file, count)
    trained, manifest = checkpoint.load(cell, data.task)
    if trained is None:
        raise UserError(f"{cell.key} diverged in training, so it has no weights: sample another seed or model")
    trained.to(devices.resolve(configured.device))
    _set_knob(trained, cell, data.task, setting)
    reproducible.seed(draw_seed)
    chunk = configured.evaluation[data.task.event.kind].chunk
    x, c = _draw(trained, data.task, data.test[1] if c is None else c, count, chunk)
    described = {
        "task": task, "model": model, "seed": seed, "sha256": manifest["sha256"], "count": count,
        "draw_seed": draw_seed, "knob": trained.knob, "setting": trained.setting,
    }  # fmt: skip
    try:
        with files.atomic_dir(out.resolve()) as folder:
            export.write(folder, data.task.event, stored(data.task.event, x).numpy(), c.numpy())
            files.write_json(folder / "manifest.json", described)
    except OSError as error:
        raise UserError(f"--out {out} cannot be written: {error.strerror}") from None
    print(out)


def _check_output(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"--out {out} is there already: name a folder that is new or empty")


def _conditions(task: Task, text: str | None, path: Path | None, count: int) -> Tensor | None:
    """(N, *condition) with N <= count; None where none is given."""
    if text is not None and path is not None:
        raise UserError("--condition and --condition-file are both given: leave one out")
    if path is None:
        return None if text is None else conditions.parse(task, text)
    c = conditions.load(task, path)
    if len(c) > count:
        raise UserError(f"{path} holds {len(c)} conditions, and --count is {count}: raise it, or give fewer")
    return c


def _set_knob(model: GenerativeModel, cell: Cell, task: Task, setting: float | None) -> None:
    if setting is None:
        return
    name = knob(model, cell, task, "leave --knob out")
    least = LEAST.get(name, 0.0)
    if not (math.isfinite(setting) and least <= setting <= MOST):
        raise UserError(f"--knob {setting:g}: {name} of {cell.model} is a number from {least:g} to {MOST:g}")
    model.setting = setting


def _draw(model: GenerativeModel, task: Task, c: Tensor, count: int, chunk: int) -> Batch:
    try:
        return draw(model, task.event, c, count=count, chunk=chunk)
    except FloatingPointError as error:
        remedy = "train the model again" if model.setting == 1 else "turn --knob nearer to 1"
        raise UserError(f"{error}: {remedy}") from None
