"""plan/cells.json: the tasks and cells of params.yaml, as the `foreach` of dvc.yaml takes them.

DVC reads the file before it runs any stage, so that no stage of the same `dvc repro` can write it: `coverseek run` and
`coverseek plan` write it, and the stage `plan` refuses one that is stale.

A suite that is `opt_in` is in the file from the first `coverseek run --suite` with its name on: before that,
`dvc repro` starts none of its trainings.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from pipeline import files, paths
from pipeline.params import Params
from pipeline.paths import Cell

STALE = f"{paths.CELLS} does not list the cells of {paths.PARAMS}; run: coverseek plan"


def write(settings: Params, suite: str | None = None) -> None:
    """Write cells.json, unless it lists the cells of `settings` already; those of `suite` even if it is `opt_in`."""
    if is_stale(settings, suite):
        with files.atomic_write(paths.CELLS) as draft:
            draft.write_text(content(settings, suite), encoding="utf-8")


def is_stale(settings: Params, suite: str | None = None) -> bool:
    """Whether cells.json lists other tasks and cells than `settings`, or is missing."""
    return not paths.CELLS.exists() or paths.CELLS.read_text(encoding="utf-8") != content(settings, suite)


def in_graph(settings: Params, suite: str | None = None) -> Params:
    """`settings` without the suites that are `opt_in`, but for `suite` and those that cells.json lists already."""
    optional = [name for name, of in settings.suites.items() if of.opt_in and name != suite]
    if not optional:
        return settings
    text = paths.CELLS.read_text(encoding="utf-8") if paths.CELLS.exists() else ""
    listed = {name for name in optional if any(f'"{cell.key}":' in text for cell in settings.suites[name].cells())}
    return settings.without([name for name in optional if name not in listed])


def content(settings: Params, suite: str | None = None) -> str:
    """{"plan": {"tasks": [...], "cells": {key: cell}, "sweeps": {key: cell}}}, a cell on each line; of `in_graph`."""
    settings = in_graph(settings, suite)

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
