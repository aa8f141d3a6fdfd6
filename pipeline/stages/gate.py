"""`coverseek gate`: exits with 1 where the results here are worse than a baseline's, beyond noise."""

from __future__ import annotations

from pipeline.errors import UserError
from pipeline.history import result_set
from pipeline.history.differences import Difference, differences, regressions
from pipeline.stages import compare


def main(baseline: str, metric: str, task: str | None) -> int:
    """Print each regression in one line. Returns 1 where there is one, else 0.

    Raises:
        UserError: a side cannot be read, neither holds such a task or metric, or the metric has no direction.
    """
    before, after = compare.read(baseline), result_set.work_tree()
    keys = compare.chosen(before, after, task, metric)
    if not any(side.numbers[key].better != "none" for key in keys for side in (before, after) if key in side.numbers):
        raise UserError(f"metric {metric!r} has no direction in which it could get worse; choose another")
    found = differences(before, after, keys)
    stopped = list(regressions(found, after))
    for one in stopped:
        if isinstance(one, Difference):
            print(compare.line(one))
        else:
            print(f"{one.metric} of {one.model} on {one.task}: {after.faults[one.task, one.model]}")
    for refusal in compare.refusals(found):
        print(refusal.title, refusal.note, sep=": ")
    count = f"{len(stopped)} regression{'s' * (len(stopped) != 1)}"
    print(f"{count} in {metric} against {baseline}: {compare.summary(found)}")
    return int(bool(stopped))
