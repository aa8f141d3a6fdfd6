"""Recovery of a dvc.lock that a killed process left empty or incomplete.

DVC rewrites dvc.lock in place: a process that is killed meanwhile leaves an empty file, or the first part of one.
`coverseek run` replaces the file atomically, and copies each complete version that it reads or writes to `COPY`. Steps
that DVC itself recorded after the copy was made are in DVC's run cache, and the next run restores them from there.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import zc.lockfile

from pipeline import files, paths
from pipeline.errors import UserError
from pipeline.tracking import dvc_lock

COPY = Path(".dvc/tmp/coverseek/dvc.lock")
DAMAGED = COPY.with_name("dvc.lock.damaged")
"""The file that the last recovery replaced."""
MUTEX = Path(".dvc/tmp/lock")
"""The lock that each DVC command holds while it writes."""
CONFLICT = (
    f"{paths.LOCK} holds conflict markers: choose a side with `git checkout --ours {paths.LOCK}` or "
    f"`git checkout --theirs {paths.LOCK}`, then: coverseek run"
)


def is_incomplete() -> bool:
    """Whether dvc.lock is empty or ends within a line; DVC ends the file with a newline."""
    try:
        return not paths.LOCK.read_bytes().endswith(b"\n")
    except FileNotFoundError:
        return False


def has_conflict() -> bool:
    """Whether git left conflict markers in dvc.lock."""
    return any(line.startswith(b"<<<<<<< ") for line in paths.LOCK.read_bytes().splitlines())


def save_copy() -> None:
    """Copy dvc.lock, which the caller has found complete."""
    if paths.LOCK.exists():
        with files.atomic_write(COPY) as draft:
            shutil.copyfile(paths.LOCK, draft)


@contextmanager
def exclusive() -> Iterator[None]:
    """Hold DVC's lock, so that no DVC command writes dvc.lock within the block.

    Raises:
        UserError: another command holds the lock.
    """
    MUTEX.parent.mkdir(parents=True, exist_ok=True)
    try:
        held = zc.lockfile.LockFile(str(MUTEX))
    except zc.lockfile.LockError:
        raise UserError("another DVC command writes in this folder") from None
    try:
        yield
    finally:
        held.close()


def restore() -> str:
    """Replace dvc.lock by its last complete version, and save the damaged file as `DAMAGED`.

    The caller holds DVC's lock. Without any complete version dvc.lock is removed: the run cache still holds every step.

    Returns:
        One line: what was restored, and from where.
    """
    with files.atomic_write(DAMAGED) as draft:
        shutil.copyfile(paths.LOCK, draft)
    for source, content in _versions():
        if _restored(content):
            return f"{paths.LOCK} was incomplete: restored from {source}"
    paths.LOCK.unlink()
    return f"{paths.LOCK} was incomplete and has no earlier version: its steps are in DVC's run cache"


def _versions() -> Iterator[tuple[str, bytes]]:
    if COPY.exists():
        yield f"the copy in {COPY}", COPY.read_bytes()
    command = ("git", "show", f"HEAD:./{paths.LOCK}")
    try:
        yield "the last commit", subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
    except (OSError, subprocess.SubprocessError):
        return


def _restored(content: bytes) -> bool:
    try:
        with files.atomic_write(paths.LOCK) as draft:
            draft.write_bytes(content)
            dvc_lock.read(draft)
    except UserError:
        return False
    return True
