"""What a wall-clock time was measured on. Times are information: they differ from run to run."""

from __future__ import annotations

import os
import platform
from functools import cache
from pathlib import Path
from typing import Any

PROTOCOL = "wall clock, 1 thread"


def timed(**seconds: float) -> dict[str, Any]:
    """`timed(train_seconds=1.5)` -> a metrics entry for each, with the hardware beside them."""
    entries = {
        name: {"value": value, "unit": "s", "better": "lower", "kind": "measured", "protocol": PROTOCOL}
        for name, value in seconds.items()
    }
    return {"metrics": entries, "hardware": describe()}


@cache
def describe() -> dict[str, str]:
    """Processor, cores and versions; no host name."""
    return {"processor": _processor(), "cores": str(os.cpu_count()), "python": platform.python_version()}


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
