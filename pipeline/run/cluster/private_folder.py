"""Folders of which each belongs to one attempt at a cell, below a folder that is this machine's own."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil


def root(scratch: str) -> Path:
    """The folder of this user and machine below `scratch`, or below the temporary folder where that is empty."""
    return Path(scratch or tempfile.gettempdir()) / f"coverseek-{os.getuid()}" / (platform.node() or "node")


@contextmanager
def private_folder(parent: Path) -> Iterator[Path]:
    """A folder of this attempt alone. Its name begins with the process's number."""
    folder = parent / f"{os.getpid()}-{uuid.uuid4().hex}"
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_orphans(parent: Path) -> None:
    """Remove the folders of processes of this machine that were killed."""
    for folder in parent.glob("*-*"):
        number = folder.name.partition("-")[0]
        if number.isdecimal() and not psutil.pid_exists(int(number)):
            shutil.rmtree(folder, ignore_errors=True)
