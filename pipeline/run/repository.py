"""Opening the DVC repository of this folder: alone, quietly, and with one line for each thing that can be wrong."""

from __future__ import annotations

import json
import logging
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import psutil
from dvc.exceptions import DvcException, NotDvcRepoError
from dvc.lock import LockError
from dvc.repo import Repo
from dvc.utils.strictyaml import YAMLSyntaxError, YAMLValidationError

from pipeline import params, paths
from pipeline.doctor import lock_recovery
from pipeline.errors import UserError
from pipeline.run.workspace import Workspace

BUSY = "another `coverseek run` or DVC command works in this folder: wait for it, then run again"
PATHS_IN_USE = Path(".dvc/tmp/rwlock")
"""DVC's table of the paths that running stages read and write, with the process of each."""


@contextmanager
def opened() -> Iterator[Workspace]:
    """DVC's lock is held and dvc.lock is written at the end of the block, however it ends.

    An incomplete dvc.lock is restored first.

    Raises:
        UserError: not a repository, in use by another DVC command, or dvc.yaml or dvc.lock is damaged.
    """
    if paths.PIPELINE.exists():
        params.read(paths.PIPELINE)  # WHY before DVC: its own parser has no limits
    logging.getLogger("dvc").setLevel(logging.CRITICAL)  # DVC's lines and bars; its errors come as exceptions
    with _repo() as repo, _alone(repo), repo.scm_context(quiet=True):
        if lock_recovery.is_incomplete():
            print(lock_recovery.restore(), flush=True)
        workspace = _read(repo)
        lock_recovery.save_copy()
        try:
            yield workspace
        finally:
            workspace.flush()


def _repo() -> Repo:
    try:
        return Repo()
    except NotDvcRepoError:
        raise UserError("this is no DVC repository: run the command in the repository's root") from None


@contextmanager
def _alone(repo: Repo) -> Iterator[None]:
    try:
        repo.lock.lock()
    except LockError:
        raise UserError(BUSY) from None
    try:
        _refuse_others()
        yield
    finally:
        repo.lock.unlock()


def _refuse_others() -> None:
    """While a stage's command runs, `dvc repro` releases DVC's lock and holds only entries of `PATHS_IN_USE`."""
    try:
        held = json.loads(PATHS_IN_USE.read_text(encoding="utf-8"))
        entries = [*held.get("write", {}).values(), *chain(*held.get("read", {}).values())]
        commands = {int(entry["pid"]): str(entry["cmd"]) for entry in entries}
    except FileNotFoundError:
        return
    except (ValueError, AttributeError, TypeError, KeyError):
        PATHS_IN_USE.unlink()  # a DVC command that was killed while it wrote leaves an empty table
        return
    for pid, command in sorted(commands.items()):
        if pid != os.getpid() and psutil.pid_exists(pid):
            words = shlex.split(command)
            shown = " ".join([Path(words[0]).name, *words[1:]]) if words else "unknown"
            raise UserError(
                f"process {pid} ({shown}) works in this folder: wait until it ends, then run again; "
                f"if process {pid} is none of DVC's, remove {PATHS_IN_USE}"
            )


def _read(repo: Repo) -> Workspace:
    try:
        return _workspace(repo)
    except _DamagedError as error:
        path = Path(str(error))
    if path != paths.LOCK:
        raise UserError(f"{path} is damaged: correct it; what changed in it: git diff {path}")
    if lock_recovery.has_conflict():
        raise UserError(lock_recovery.CONFLICT)
    print(lock_recovery.restore(), flush=True)
    repo._reset()
    return _workspace(repo)


def _workspace(repo: Repo) -> Workspace:
    try:
        return Workspace(repo)
    except (YAMLSyntaxError, YAMLValidationError) as error:
        raise _DamagedError(os.path.relpath(error.path)) from None
    except DvcException as error:
        raise UserError(" ".join(str(error).split())) from None


class _DamagedError(Exception):
    """The path of a file that DVC cannot parse."""
