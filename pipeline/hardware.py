"""Entries of wall-clock times in the metrics, and the hardware they were measured on. Times vary from run to run."""

from __future__ import annotations

import os
import platform
from functools import cache
from pathlib import Path
from typing import Any

PROTOCOL = "wall clock, 1 thread, other cells on the other cores"
"""On the CPU. The words are part of the protocol ids of times."""
MEDIAN = f"{PROTOCOL}, median over batches"
BATCHES = 5
"""Draws and scores of a model are timed in at least so many batches, so that one delay does not change the median."""

Seconds = dict[str, tuple[float, str]]
"""Metric -> (seconds, kind); the kind separates different work, such as 64 draws and one pass."""


def batch_size(count: int, most: int) -> int:
    """The batch size for `count` items: `most`, or less so that there are `BATCHES` batches."""
    return max(1, min(most, -(-count // BATCHES)))


def timed(seconds: Seconds, protocol: str = PROTOCOL, device: str | None = None) -> dict[str, Any]:
    """A metrics entry for each time, and the hardware.

    Args:
        seconds: the times, by name.
        protocol: how they were taken on the CPU.
        device: the name of the GPU that they were taken on, which takes the place of the threads in `protocol`; None
            for the CPU.
    """
    if device:
        protocol = protocol.replace("1 thread, other cells on the other cores", f"{device}, synchronised")
    entries = {
        name: {"value": value, "unit": "s", "better": "lower", "kind": kind, "protocol": protocol}
        for name, (value, kind) in seconds.items()
    }
    return {"metrics": entries, "hardware": describe(device)}


def describe(device: str | None = None) -> dict[str, str]:
    """Processor, cores and versions, and the GPU `device` if there is one; no host name."""
    known = {"processor": _processor(), "cores": str(os.cpu_count()), "python": platform.python_version()}
    return known | ({"device": device} if device else {})


@cache
def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
