"""Git, DVC's locks, the MLflow store, disk and cores."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline import files
from pipeline.doctor.finding import Finding
from pipeline.errors import UserError
from pipeline.tracking import address, stored
from pipeline.tracking.revision import revision

LOCKS = Path(".dvc/tmp/rwlock")
ENOUGH = 2  # GB: what a full run, its cache and its store take, several times over


def check() -> Iterator[Finding]:
    yield _git()
    yield _locks()
    yield _store()
    yield _disk()
    yield _cores()


def _git() -> Finding:
    commit, changed = revision()
    if commit == "unknown":
        return Finding("warning", "git", "no commit here: results cannot name the code that made them", "git commit")
    if changed:
        named = ", ".join(changed[:3]) + (", ..." if len(changed) > 3 else "")
        return Finding("warning", "git", f"{commit[:9]} and {len(changed)} changes ({named})", "git commit")
    return Finding("ok", "git", f"{commit[:9]}, clean")


def _locks() -> Finding:
    """A DVC command that was killed while it wrote leaves an empty table behind, and every later one stops at it."""
    try:
        files.parse_json(LOCKS.read_bytes())
    except FileNotFoundError:
        pass
    except ValueError:
        return Finding("fault", "dvc locks", f"{LOCKS} is damaged: no DVC command will run", f"rm -f {LOCKS}")
    return Finding("ok", "dvc locks", "whole")


def _store() -> Finding:
    """Cheap on purpose: a file is read directly, a server is not called."""
    try:
        store = address.uri()
        path = address.database(store)
    except UserError as error:
        return Finding("fault", "mlflow", str(error), "set or unset MLFLOW_TRACKING_URI")
    shown = address.shown(store)
    if path is None:
        return Finding("ok", "mlflow", f"{shown} (not called)")
    if not path.exists():
        return Finding("warning", "mlflow", f"{shown}: nothing published yet", "coverseek publish")
    interrupted = stored.is_interrupted(path)
    try:
        held = _read(path, interrupted)
    except sqlite3.Error as error:
        fault, remedy = stored.remedy(path, str(error))
        return Finding("warning" if fault == stored.LOCKED else "fault", "mlflow", f"{shown}: {fault}", remedy)
    if interrupted:
        detail = f"{shown}: the last publication was interrupted; what it left is rolled back"
        return Finding("warning", "mlflow", detail, "coverseek publish")
    return _runs(shown, held)


def _read(path: Path, interrupted: bool) -> dict[str, stored.Held]:
    if interrupted:
        stored.recover(path)
    return stored.read(path)


def _runs(shown: str, held: Mapping[str, stored.Held]) -> Finding:
    if missing := stored.counted(held, "missing"):
        detail = f"{shown}: {missing} deleted in MLflow, and means in the history are without"
        return Finding("fault", "mlflow", detail, "coverseek publish")
    if doubled := stored.counted(held, "doubled"):
        return Finding("fault", "mlflow", f"{shown}: {doubled} there more than once", "coverseek publish")
    return Finding("ok", "mlflow", f"{shown}: {len(held)} tasks published")


def _disk() -> Finding:
    free = shutil.disk_usage(".").free / 1e9
    if free < ENOUGH:
        return Finding("warning", "disk", f"{free:.1f} GB free", f"make room: {ENOUGH} GB are enough")
    return Finding("ok", "disk", f"{free:.0f} GB free")


def _cores() -> Finding:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = os.environ.get("OMP_NUM_THREADS", "not set")
    return Finding("ok", "cores", f"{cores} (OMP_NUM_THREADS {threads}); coverseek run -j {cores} uses them all")
