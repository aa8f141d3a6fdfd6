"""Entries of wall-clock times in the metrics, and the hardware they were measured on. Times vary from run to run."""

from __future__ import annotations

import os
import platform
from functools import cache
from pathlib import Path
from typing import Any

PROTOCOL = "wall clock, 1 thread, other cells on the other cores"
MEDIAN = f"{PROTOCOL}, median over batches"
BATCHES = 5
"""Draws and scores of a model are timed in at least so many batches, so that one delay does not change the median."""

Seconds = dict[str, tuple[float, str]]
"""Metric -> (seconds, kind); the kind separates different work, such as 64 draws and one pass."""


def batch_size(count: int, most: int) -> int:
    """The batch size for `count` items: `most`, or less so that there are `BATCHES` batches."""
    return max(1, min(most, -(-count // BATCHES)))


def timed(seconds: Seconds, protocol: str = PROTOCOL) -> dict[str, Any]:
    """A metrics entry for each time, and the hardware."""
    entries = {
        name: {"value": value, "unit": "s", "better": "lower", "kind": kind, "protocol": protocol}
        for name, (value, kind) in seconds.items()
    }
    return {"metrics": entries, "hardware": describe()}


@cache
def describe() -> dict[str, str]:
    """Processor, cores and versions; no host name."""
    return {"processor": _processor(), "cores": str(os.cpu_count()), "python": platform.python_version()}


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
