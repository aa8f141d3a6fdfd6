"""What a wall-clock time was measured on. Times are information: they differ from run to run."""

from __future__ import annotations

import os
import platform
from functools import cache
from pathlib import Path
from typing import Any

PROTOCOL = "wall clock, 1 thread, other cells on the other cores"
MEDIAN = f"{PROTOCOL}, median over batches"
BATCHES = 5
"""Into how many batches at least the draws and the scores of a model are split, so that one delay moves no median."""


Seconds = dict[str, tuple[float, str]]
"""Metric -> (seconds, kind): the kind tells unlike work apart, 64 draws from one pass."""


def batch_size(count: int, most: int) -> int:
    """The size of the batches in which to work through `count` items: `most`, or less for `BATCHES` of them."""
    return max(1, min(most, -(-count // BATCHES)))


def timed(seconds: Seconds, protocol: str = PROTOCOL) -> dict[str, Any]:
    """A metrics entry for each time, with the hardware beside them."""
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
