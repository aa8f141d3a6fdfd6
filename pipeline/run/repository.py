"""The repository of this folder, opened for one run: alone, and with one line for each thing that can be wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline import params, paths
from pipeline.doctor import lock_recovery
from pipeline.errors import UserError
from pipeline.run.dvc_repository import DamagedFileError, DvcRepository, alone
from pipeline.run.workspace import Workspace


@contextmanager
def opened() -> Iterator[Workspace]:
    """DVC's lock is held and dvc.lock is written at the end of the block, however it ends.

    An incomplete dvc.lock is restored first.

    Raises:
        UserError: not a repository, in use by another DVC command, or dvc.yaml or dvc.lock is damaged.
    """
    if paths.PIPELINE.exists():
        params.read(paths.PIPELINE)  # WHY before DVC: its own parser has no limits
    with alone() as repository:
        if lock_recovery.is_incomplete():
            print(lock_recovery.restore(), flush=True)
        workspace = _read(repository)
        lock_recovery.save_copy()
        try:
            yield workspace
        finally:
            workspace.flush()


def _read(repository: DvcRepository) -> Workspace:
    try:
        return Workspace(repository)
    except DamagedFileError as error:
        path = Path(str(error))
    if path != paths.LOCK:
        raise UserError(f"{path} is damaged: correct it; what changed in it: git diff {path}")
    if lock_recovery.has_conflict():
        raise UserError(lock_recovery.CONFLICT)
    print(lock_recovery.restore(), flush=True)
    repository.reset()
    try:
        return Workspace(repository)
    except DamagedFileError as error:
        raise UserError(f"{error} is damaged: correct it; what changed in it: git diff {error}") from None
