"""What a gate stops: a number that is worse beyond noise, or a model that had one and now fails.

A model that left the grid, a suite that was not run and a number under another protocol stop nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.history.difference import Differences
from pipeline.history.side import Side
from pipeline.history.verdicts import line


def regressions(found: Differences, after: Side) -> Iterator[str]:
    """One line each."""
    for one in found.compared:
        if one.verdict == "worse":
            yield line(one)
    for key in found.gone:
        fault = after.faults.get((key.task, key.model))
        if fault:
            yield f"{key.metric} of {key.model} on {key.task}: {fault}"
