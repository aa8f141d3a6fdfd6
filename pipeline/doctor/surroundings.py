"""Git, DVC's locks, the MLflow store, disk and cores."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from pipeline import files
from pipeline.doctor.finding import Finding
from pipeline.errors import UserError
from pipeline.history.revisions import revision
from pipeline.tracking import address

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
    """A server is not called."""
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
    return _runs(store, path)


def _runs(store: str, path: Path) -> Finding:
    from pipeline.tracking import publication  # imports mlflow: 2 s
    from pipeline.tracking.mlflow_store import LOCKED, StoreError, is_interrupted

    shown, interrupted = address.shown(store), is_interrupted(path)
    try:
        held = publication.status(store)
    except StoreError as error:
        detail = f"{shown}: {error.fault}"
        return Finding("warning" if error.fault == LOCKED else "fault", "mlflow", detail, error.remedy)
    if interrupted:
        detail = f"{shown}: the last publication was interrupted; what it left is rolled back"
        return Finding("warning", "mlflow", detail, "coverseek publish")
    if missing := publication.counted({task: of.missing for task, of in held.items()}):
        return Finding("fault", "mlflow", f"{shown}: {missing} deleted in MLflow", "coverseek publish")
    if doubled := publication.counted({task: of.doubled for task, of in held.items()}):
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
