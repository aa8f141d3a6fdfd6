"""plan/cells.json: the tasks and cells of params.yaml, as the `foreach` of dvc.yaml takes them.

DVC reads the file before it runs any stage, so that no stage of the same `dvc repro` can write it: `coverseek run` and
`coverseek plan` write it, and the stage `plan` refuses one that is stale.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from pipeline import files, paths
from pipeline.params import Params
from pipeline.paths import Cell

STALE = f"{paths.CELLS} does not list the cells of {paths.PARAMS}; run: coverseek plan"


def write(settings: Params) -> None:
    """Write cells.json, unless it lists the cells of `settings` already."""
    if is_stale(settings):
        with files.atomic_write(paths.CELLS) as draft:
            draft.write_text(content(settings), encoding="utf-8")


def is_stale(settings: Params) -> bool:
    """Whether cells.json lists other tasks and cells than `settings`, or is missing."""
    return not paths.CELLS.exists() or paths.CELLS.read_text(encoding="utf-8") != content(settings)


def content(settings: Params) -> str:
    """{"plan": {"tasks": [...], "cells": {key: cell}, "sweeps": {key: cell}}}, a cell on each line."""

    def lines(selected: Iterable[Cell]) -> str:
        return ",\n".join(f"{json.dumps(cell.key)}: {json.dumps(_entry(settings, cell))}" for cell in selected)

    return (
        f'{{"plan": {{\n"tasks": {json.dumps(list(settings.tasks))},\n"cells": {{\n{lines(settings.cells)}\n}},\n'
        f'"sweeps": {{\n{lines(settings.sweeps)}\n}}\n}}}}\n'
    )


def _entry(settings: Params, cell: Cell) -> dict[str, Any]:
    """`train` and `evaluate`: where plan/parameters.json has its hashes."""
    train = f"{settings.task_events[cell.task]}.{cell.model}"
    return {**cell._asdict(), "train": train, "evaluate": f"{evaluation_group(settings, cell.task)}.{cell.model}"}


def evaluation_group(settings: Params, task: str) -> str:
    """`points`, `images`, or `images_modes` of a task of images that is evaluated by the entry `modes`."""
    events = settings.task_events[task]
    name, _ = settings.evaluation_of(task, events)
    return events if name == events else f"{events}_{name}"
