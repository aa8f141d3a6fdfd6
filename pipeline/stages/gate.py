"""`coverseek gate`: fails where the results here are worse than a baseline's, beyond noise."""

from __future__ import annotations

from pipeline.errors import UserError
from pipeline.history import verdicts
from pipeline.history.difference import differences
from pipeline.history.regression import regressions
from pipeline.stages.compare import chosen
from pipeline.tracking import sides


def main(baseline: str, metric: str, task: str | None) -> int:
    """1 where there is a regression, each told in one line; else 0.

    Raises:
        UserError: a side cannot be read, neither holds such a task or metric, or the metric has no direction.
    """
    before, after = sides.read(baseline), sides.here()
    keys = chosen(before, after, task, metric)
    if not any(side.numbers[key].better != "none" for key in keys for side in (before, after) if key in side.numbers):
        raise UserError(f"metric {metric!r} has no direction in which it could get worse; choose another")
    found = differences(before, after, keys)
    stopped = list(regressions(found, after))
    for told in stopped:
        print(told)
    for note in verdicts.refusals(found):
        print(note.title, note.note, sep=": ")
    count = f"{len(stopped)} regression{'s' * (len(stopped) != 1)}"
    print(f"{count} in {metric} against {baseline}: {verdicts.summary(found)}")
    return int(bool(stopped))
