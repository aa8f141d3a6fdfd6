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

from pipeline import params, paths
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
    if paths.PIPELINE.exists():
        params.read(paths.PIPELINE)  # WHY before DVC: its own parser has no limits
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
        raise UserError(" ".join(str(error).split())) from None


def _damaged(path: str) -> str:
    return f"{path} is damaged or holds conflict markers; mend it with `git checkout {path}`, then run again"


@contextmanager
def _parse_once() -> Iterator[None]:
    """DVC parses and searches params.yaml anew for each parameter of each step: two thirds of all its time here."""
    original: Callable[..., Any] = param.read_param_file

    @functools.cache
    def read(path: str, size: int, mtime: int, keys: tuple[str, ...], flatten: bool, fs: Any) -> Any:
        return original(fs, path, list(keys), flatten)

    def read_param_file(fs: Any, path: str, keys: list[str] | None = None, flatten: bool = False) -> Any:
        status = os.stat(path)
        content = read(path, status.st_size, status.st_mtime_ns, tuple(keys or ()), flatten, fs)
        return copy.deepcopy(content)  # shared blocks would turn into anchors in dvc.lock

    with mock.patch.object(param, "read_param_file", read_param_file):
        yield
