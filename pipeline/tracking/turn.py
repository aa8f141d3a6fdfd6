"""When a cell's run became history, and when it came back: one tag for each time, `turn.<number>`.

A run begins as current. Each turn since is a time and the origin of the publication that turned it. Stores of older
versions hold their first turns in one tag, `turns`, which is left as it is.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from mlflow.entities import Run

from pipeline.tracking import limits
from pipeline.tracking.stored import TURN


def tags(run: Run, current: str, origin: Mapping[str, str]) -> dict[str, str]:
    """The tags of a run that is ("true") or is no longer ("false") current; with one more turn if it was not so."""
    held = run.data.tags
    if held.get("current") in (current, None):
        return {"current": current}
    numbers = [key.removeprefix(TURN) for key in held if key.startswith(TURN)]
    number = 1 + max((int(number) for number in numbers if number.isdecimal()), default=0)
    turn = {"time": time.time_ns() // 1_000_000, "current": current == "true", **origin}
    return {"current": current, f"{TURN}{number:06d}": limits.as_json(turn)}
