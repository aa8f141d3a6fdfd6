"""What resume points of a training and chunks of an evaluation share: a hash of their inputs, and optional writing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError


def hash_inputs(inputs: Mapping[str, Any] | None) -> str:
    """The sha256 of what a result depends on, in hexadecimal.

    Args:
        inputs: as JSON; the order of keys does not matter, and what JSON does not hold counts as its `str`.
    """
    return hashlib.sha256(json.dumps(inputs, sort_keys=True, default=str).encode()).hexdigest()


def try_write(folder: Path, write: Callable[[], None], consequence: str) -> bool:
    """Call `write`, which writes files into a folder that a result does not need.

    Args:
        folder: for the message.
        write: raises `OSError` or `SafetensorError` where it cannot write.
        consequence: what the printed line says of a folder that cannot be written.

    Returns:
        Whether it was written.
    """
    try:
        write()
    except (OSError, SafetensorError) as error:
        print(f"{folder} cannot be written, {consequence}: {error}")
        return False
    return True
