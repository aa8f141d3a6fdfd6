"""params.yaml, dvc.yaml and dvc.lock: can they be read, and do they hold what they must."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline import cells, files, params, paths
from pipeline.doctor import lock_recovery
from pipeline.doctor.finding import Finding
from pipeline.errors import UserError
from pipeline.params import Params
from pipeline.tracking import dvc_lock


def grid() -> tuple[Params | None, Finding]:
    """The checked params.yaml, or the reason why there is none."""
    subject = str(paths.PARAMS)
    try:
        settings = params.load()
    except UserError as error:
        return None, Finding("fault", subject, str(error), f"correct {paths.PARAMS}")
    return settings, Finding("ok", subject, f"{len(settings.suites)} suites, {len(settings.cells)} cells")


def check() -> Iterator[Finding]:
    yield _graph()
    yield _lock()
    yield from _verified()


def _verified() -> Iterator[Finding]:
    """What `coverseek run --verify` accepted the last time, if it was ever used."""
    if paths.VERIFIED.exists():
        found = files.read_json(paths.VERIFIED, "coverseek run --verify 10", "rerun", "accepted", "differing")
        rerun, accepted, differing = (len(found[key]) for key in ("rerun", "accepted", "differing"))
        detail = f"{rerun} steps ran again, {differing} differed, {accepted} others were accepted"
        yield Finding("warning" if differing else "ok", "verified", detail, "coverseek run" if differing else "")


def _graph() -> Finding:
    subject, remedy = str(paths.PIPELINE), f"correct it; what changed in it: git diff {paths.PIPELINE}"
    try:
        content = params.read(paths.PIPELINE)
    except UserError as error:
        return Finding("fault", subject, str(error), remedy)
    stages = content.get("stages") if isinstance(content, dict) else None
    if not isinstance(stages, dict):
        return Finding("fault", subject, "it holds no stages", remedy)
    return Finding("ok", subject, f"{len(stages)} kinds of stages")


def plan(settings: Params) -> Finding:
    """Whether DVC would run the cells of params.yaml."""
    if cells.is_stale(settings):
        return Finding("fault", str(paths.CELLS), f"it does not list the cells of {paths.PARAMS}", "coverseek plan")
    return Finding("ok", str(paths.CELLS), f"{len(cells.in_graph(settings).cells)} cells")


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
            return Finding("ok", str(paths.LOCK), f"{len(dvc_lock.read().stages)} steps recorded")
    except UserError:
        pass
    return None


def _restored() -> Finding:
    try:
        with lock_recovery.exclusive():  # the command that held the lock may have completed the file meanwhile
            return _recorded() or Finding("warning", str(paths.LOCK), lock_recovery.restore(), "coverseek run")
    except UserError as error:
        return Finding("warning", str(paths.LOCK), f"incomplete: {error}", "wait for it, then coverseek doctor")
