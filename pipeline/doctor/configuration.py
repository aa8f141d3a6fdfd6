"""params.yaml, dvc.yaml and dvc.lock: can they be read, and do they hold what they must."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline import params, paths
from pipeline.doctor import lock_recovery
from pipeline.doctor.finding import Finding
from pipeline.errors import UserError
from pipeline.params import Params
from pipeline.tracking import lock


def grid() -> tuple[Params | None, Finding]:
    """The checked params.yaml, or the reason why there is none."""
    subject = str(paths.PARAMS)
    try:
        settings = params.load()
    except UserError as error:
        return None, Finding("fault", subject, str(error), f"mend {paths.PARAMS}")
    cells = sum(1 for suite in settings.suites.values() for _ in suite.cells())
    return settings, Finding("ok", subject, f"{len(settings.suites)} suites, {cells} cells")


def check() -> Iterator[Finding]:
    yield _graph()
    yield _lock()


def _graph() -> Finding:
    subject, remedy = str(paths.PIPELINE), f"correct it; what changed in it: git diff {paths.PIPELINE}"
    try:
        content = params.read(paths.PIPELINE)
    except UserError as error:
        return Finding("fault", subject, str(error), remedy)
    stages = content.get("stages") if isinstance(content, dict) else None
    if not isinstance(stages, dict):
        return Finding("fault", subject, "it holds no stages", remedy)
    return Finding("ok", subject, f"{len(stages)} stages")


def _lock() -> Finding:
    subject = str(paths.LOCK)
    if not paths.LOCK.exists():
        return Finding("warning", subject, "nothing has run yet", "coverseek run")
    found = _recorded()
    if found is None and lock_recovery.has_conflict():
        return Finding("fault", subject, "git could not merge it", lock_recovery.CONFLICT)
    return found or _restored()


def _recorded() -> Finding | None:
    """None where dvc.lock is incomplete or damaged."""
    try:
        if not lock_recovery.is_incomplete():
            return Finding("ok", str(paths.LOCK), f"{len(lock.read().stages)} steps recorded")
    except UserError:
        pass
    return None


def _restored() -> Finding:
    try:
        with lock_recovery.exclusive():  # the command that held the lock may have completed the file meanwhile
            return _recorded() or Finding("warning", str(paths.LOCK), lock_recovery.restore(), "coverseek run")
    except UserError as error:
        return Finding("warning", str(paths.LOCK), f"incomplete: {error}", "wait for it, then coverseek doctor")
