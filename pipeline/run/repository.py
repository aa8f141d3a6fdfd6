"""Opening the DVC repository of this folder: alone, quietly, and with one line for each thing that can be wrong."""

from __future__ import annotations

import copy
import functools
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from dvc.dependency import param
from dvc.exceptions import DvcException, NotDvcRepoError
from dvc.lock import LockError
from dvc.repo import Repo
from dvc.utils.strictyaml import YAMLSyntaxError, YAMLValidationError

from pipeline import paths
from pipeline.errors import UserError
from pipeline.run.workspace import Workspace

BUSY = (
    "another `coverseek run` or DVC command works in this folder: wait for it; "
    "if none does, remove what it left: rm -f .dvc/tmp/lock .dvc/tmp/rwlock"
)


@contextmanager
def opened() -> Iterator[Workspace]:
    """DVC's lock is held and dvc.lock is written at the end of the block, however it ends.

    Raises:
        UserError: not a repository, in use, or dvc.yaml or dvc.lock is damaged.
    """
    logging.getLogger("dvc").setLevel(logging.CRITICAL)  # DVC's lines and bars; its errors come as exceptions
    with _repo() as repo, _alone(repo), repo.scm_context(quiet=True), _parse_once():
        workspace = _read(repo)
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
        yield
    finally:
        repo.lock.unlock()


def _read(repo: Repo) -> Workspace:
    try:
        return Workspace(repo)
    except (YAMLSyntaxError, YAMLValidationError) as error:
        raise UserError(_damaged(os.path.relpath(error.path))) from None
    except DvcException as error:
        raise UserError(f"{paths.PIPELINE}: {' '.join(str(error).split())}") from None


def _damaged(path: str) -> str:
    return f"{path} is damaged or holds conflict markers; mend it with `git checkout {path}`, then run again"


@contextmanager
def _parse_once() -> Iterator[None]:
    """DVC parses params.yaml anew for each parameter of each step: two thirds of all its time here."""
    original: Callable[..., Any] = param.load_path

    @functools.cache
    def parsed(path: str, size: int, mtime: int, fs: Any) -> Any:
        return original(path, fs)

    def load_path(path: str, fs: Any) -> Any:
        status = os.stat(path)
        content = parsed(path, status.st_size, status.st_mtime_ns, fs)
        return copy.deepcopy(content)  # shared blocks would turn into anchors in dvc.lock

    with mock.patch.object(param, "load_path", load_path):
        yield
