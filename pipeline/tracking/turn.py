"""When a cell's run became history, and when it came back: a tag that only grows.

A run begins as current. Each turn since is a time and the origin of the publication that turned it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

from mlflow.entities import Run

from pipeline.tracking.stored import TURNS


def tags(run: Run, current: str, origin: Mapping[str, str]) -> dict[str, str]:
    """The tags of a run that is ("true") or is no longer ("false") current; with one more turn if it was not so."""
    held = run.data.tags
    if held["current"] == current:
        return {"current": current}
    turn = {"time": time.time_ns() // 1_000_000, "current": current == "true", **origin}
    return {"current": current, TURNS: json.dumps([*json.loads(held.get(TURNS, "[]")), turn])}
