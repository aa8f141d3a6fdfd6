"""`coverseek compare`: what one revision's results have on another's, beyond noise."""

from __future__ import annotations

import json

from pipeline.errors import UserError, suggest
from pipeline.history import sheet, verdicts
from pipeline.history.difference import Differences, differences, directed
from pipeline.history.side import Key, Side
from pipeline.tracking import sides


def main(before: str, after: str | None, task: str | None, metric: str | None, form: str) -> None:
    """Print how `after`, the work tree where it is None, differs from `before`.

    Args:
        form: "table", "md" or "json".

    Raises:
        UserError: a side cannot be read, or neither holds such a task or metric.
    """
    old, new = _set_against(sides.read(before), sides.read(after) if after else sides.here())
    found = differences(old, new, chosen(old, new, task, metric))
    if form == "json":
        print(json.dumps(verdicts.as_json(old.name, new.name, found), indent=2, allow_nan=False))
    else:
        _print(old, new, found, form)


def chosen(before: Side, after: Side, task: str | None, metric: str | None) -> list[Key]:
    """The numbers to compare: of one task or all; of one metric or those that quality is told by.

    Raises:
        UserError: neither side holds such a task or metric.
    """
    every = list(dict.fromkeys((*before.numbers, *after.numbers)))
    for kind, word in (("task", task), ("metric", metric)):
        allowed = list(dict.fromkeys(getattr(key, kind) for key in every))
        if word is not None and word not in allowed:
            raise UserError(f"{kind} {word!r} is in neither {before.name} nor {after.name}; {suggest(word, allowed)}")
    keys = [key for key in every if key.metric == metric] if metric else directed(before, after)
    return [key for key in keys if task in (None, key.task)]


def _set_against(before: Side, after: Side) -> tuple[Side, Side]:
    """Two runs are compared whatever their models are called."""
    if not (sides.RUN.fullmatch(before.name) and sides.RUN.fullmatch(after.name)):
        return before, after
    names = list(dict.fromkeys(key.model for side in (before, after) for key in side.numbers))
    return before.renamed(" → ".join(names)), after.renamed(" → ".join(names))


def _print(before: Side, after: Side, found: Differences, form: str) -> None:
    if form == "md":
        print(sheet.as_markdown(verdicts.sheets(before.name, after.name, found, brief=True)), end="")
    else:
        sheet.show(verdicts.sheets(before.name, after.name, found, brief=False))
