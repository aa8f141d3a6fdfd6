"""Where the store is, and what a sqlite store says it holds, in milliseconds: importing mlflow takes seconds.

Each experiment carries the fingerprint of what was published into it, so the store itself knows whether it is up to
date, and a deleted database is not. Whatever this look into mlflow's tables does not find is asked of mlflow.
"""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

from pipeline import paths

PREFIX = "coverseek/"
FINGERPRINT = "fingerprint"
DEFINITION = "protocol."
"""How the experiment's tags begin that say what a protocol id stands for."""
WRITTEN = ("FINISHED", "FAILED")
"""The states of a cell's run that is whole."""
TURNS = "turns"
"""The tag of a cell's run that says when it became history, and when it came back."""
QUERY = f"""
SELECT name, value FROM experiments JOIN experiment_tags USING (experiment_id)
WHERE key = '{FINGERPRINT}' AND name LIKE '{PREFIX}%' AND lifecycle_stage = 'active'
"""


def uri() -> str:
    """MLFLOW_TRACKING_URI, or a sqlite file in the repository's root."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{paths.TRACKING.resolve().as_posix()}"


def shown(address: str) -> str:
    """An address, or text that holds one, without its password, to be printed."""
    return re.sub(r"(?<=://)[^/@\s]+@", "", address)


def database(address: str) -> Path | None:
    """The file of a sqlite store; None for another kind of store."""
    return Path(address.removeprefix("sqlite:///")) if address.startswith("sqlite:///") else None


def fingerprints(address: str) -> dict[str, str]:
    """Task -> fingerprint of what a sqlite store holds; empty where that cannot be told."""
    path = database(address)
    if path is None or not path.exists():
        return {}
    try:
        return read(path)
    except sqlite3.Error:
        return {}


def read(path: Path) -> dict[str, str]:
    """Task -> fingerprint in the sqlite file at `path`, which is not changed. Raises sqlite3.Error."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        return {name.removeprefix(PREFIX): value for name, value in connection.execute(QUERY)}
