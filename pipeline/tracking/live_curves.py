"""Live tracking: the curves of trainings appear in MLflow while they grow.

Each training appends its curve to a file (`training.curve_logger`). One thread of `coverseek run` follows these files
and logs what is new every few seconds, so that a training neither imports MLflow nor waits for it. `publish` completes
the run of a training once its cell is evaluated.

Best effort: a store that cannot be used ends the thread with a warning in logs/mlflow.log, and nothing else.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

from pipeline import paths
from pipeline.errors import UserError
from pipeline.tracking import address, mlflow_log

INTERVAL = 3.0
"""Seconds between two requests."""
PATIENCE = 20.0
"""Seconds that the end of a run waits for the last request."""


@dataclass
class CurveFile:
    """The live file of a training, read as far as `offset`."""

    path: Path
    offset: int = 0

    def read(self) -> list[dict[str, Any]]:
        """The complete lines since the last call."""
        with self.path.open("rb") as file:
            file.seek(self.offset)
            content = file.read()
        complete = content[: content.rfind(b"\n") + 1]
        self.offset += len(complete)
        return [json.loads(line) for line in complete.splitlines()]


@contextmanager
def tracked(enabled: bool) -> Iterator[None]:
    """Log the curves of the trainings that start while the block runs."""
    if not enabled:
        yield
        return
    stop = Event()
    thread = Thread(target=_follow, args=(stop, time.time_ns()), daemon=True, name="live tracking")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE)


def _follow(stop: Event, start: int) -> None:
    """Follow the live files that were written since `start`, ns since 1970, until `stop` is set."""
    store_address = ""
    try:
        store_address = address.uri()
        while not _started(start):
            if stop.wait(INTERVAL):
                return
        _log(store_address, stop, start)
    except (UserError, OSError, ValueError) as error:
        with mlflow_log.diverted(store_address):
            line = address.scrub(" ".join(str(error).split()))
            logging.getLogger("mlflow.coverseek").warning("no curves while training: %s", line)


def _log(store_address: str, stop: Event, start: int) -> None:
    from pipeline.tracking.training_runs import opened  # imports mlflow: 2 s

    curves: dict[Path, CurveFile] = {}
    with opened(store_address) as runs:
        last = False
        while not last:
            last = stop.is_set()
            for path in _started(start):
                if lines := curves.setdefault(path, CurveFile(path)).read():
                    runs.log(path, lines)
            stop.wait(INTERVAL)


def _started(start: int) -> list[Path]:
    return [path for path in sorted(paths.LIVE_CURVES.glob("*.jsonl")) if path.stat().st_mtime_ns >= start]
