"""DVC's repository and stages: the one module that imports DVC.

Of DVC's Python API only `dvc.api` is documented. A run needs what `dvc repro` does inside, call by call: tests/run/
test_dvc_api.py lists what is used here, by name, for an upgrade of DVC to be checked against.
"""

from __future__ import annotations

import copy
import gc
import json
import logging
import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import psutil
from dvc.exceptions import DvcException, NotDvcRepoError
from dvc.lock import LockError
from dvc.repo import Repo
from dvc.rwlock import RWLockFileCorruptedError, RWLockFileFormatError
from dvc.stage import serialize
from dvc.stage.cache import RunCacheNotFoundError
from dvc.utils.serialize import dumps_yaml, loads_yaml
from dvc.utils.strictyaml import YAMLSyntaxError, YAMLValidationError

from pipeline import paths
from pipeline.errors import UserError
from pipeline.run.step import StepError

BUSY = "another `coverseek run` or DVC command works in this folder: wait for it, then run again"
PATHS_IN_USE = Path(".dvc/tmp/rwlock")
"""DVC's table of the paths that running stages read and write, with the process of each."""


class DamagedFileError(Exception):
    """The path of a file that DVC cannot parse."""


class DvcStage:
    """A stage of dvc.yaml with its entry in dvc.lock.

    Attributes:
        name: train@ring-vae-0.
        command: coverseek train --task ring --model vae --seed 0.
        before: the names of the stages whose outputs it reads.
    """

    def __init__(self, repo: Repo, stage: Any, before: frozenset[str]) -> None:
        self._cache, self._stage = repo.stage_cache, stage
        self.name, self.command, self.before = str(stage.name), str(stage.cmd), before

    @property
    def parameters(self) -> dict[str, str]:
        """The hashes of settings and code in plan/parameters.json that it was last run or started with; none of a stage
        that never ran."""
        found = (dep for dep in self._stage.params if dep.def_path == str(paths.PARAMETERS))
        return next((dict(dep.hash_info.value or {}) for dep in found), {})

    @property
    def inputs(self) -> dict[str, Any]:
        """Dependency -> its hash, as recorded or as `save_inputs` found it."""
        return {str(dep): dep.hash_info for dep in self._stage.deps}

    @property
    def outputs(self) -> dict[str, str]:
        """Path -> md5 of its outputs."""
        return {str(out): str(out.hash_info.value) for out in self._stage.outs}

    @property
    def cached(self) -> bool:
        """Whether DVC's cache has an output of it; the others are in git."""
        return any(out.use_cache for out in self._stage.outs)

    def has_changed(self) -> bool:
        """Whether its command, an input or an output differs from dvc.lock."""
        return bool(self._stage.changed())

    def has_changed_command(self) -> bool:
        return bool(self._stage.changed_stage())

    def has_changed_files(self) -> bool:
        """Whether an input besides plan/parameters.json differs from dvc.lock."""
        return any(dep.status() for dep in self._stage.deps if dep not in self._stage.params)

    def has_changed_outputs(self) -> bool:
        return bool(self._stage.changed_outs())

    def save_inputs(self) -> None:
        self._stage.save_deps()

    def prepare_restore(self) -> None:
        """Take the hashes of what it would read now, unless dvc.lock has them."""
        if self._stage.changed_stage() or not self._stage.deps_cached():
            self._stage.save_deps()
            self.clear_hashes()  # else DVC takes the outputs in dvc.lock, which belong to other inputs

    def clear_hashes(self) -> None:
        """Clear its output hashes, so that DVC looks for them in the run cache and not in dvc.lock."""
        for out in self._stage.outs:
            out.clear()

    def remove_outputs(self) -> None:
        self._stage.remove_outs()

    def restore(self) -> bool:
        """Bring back its outputs from the run cache and save it; False where the run cache lacks them."""
        try:
            self._cache.restore(self._stage, dry=True)
        except RunCacheNotFoundError:
            return False
        self._stage.remove_outs()
        self._cache.restore(self._stage)
        self.save()
        return True

    def save(self) -> None:
        """Hash its inputs and outputs, and put them into DVC's cache and run cache."""
        keeps = all(out.use_cache or out.is_metric or out.is_plot for out in self._stage.outs)
        self._stage.save(run_cache=keeps)  # as DVC decides it in Stage.run
        self._stage.commit()

    def lock_entry(self) -> dict[str, Any]:
        """Its entry of dvc.lock, as saved."""
        return dict(copy.deepcopy(serialize.to_lockfile(self._stage)))  # objects that entries share become anchors


class DvcRepository:
    """DVC's repository in this folder, whose lock is held."""

    def __init__(self, repo: Repo) -> None:
        self._repo = repo

    @property
    def cache(self) -> Path:
        """The folder of the local cache, in which files are named by their md5."""
        return Path(self._repo.cache.local.path)

    def stages(self) -> dict[str, DvcStage]:
        """Name -> stage, in the order of dvc.yaml.

        Raises:
            DamagedFileError: dvc.yaml or dvc.lock cannot be parsed.
            UserError: dvc.yaml is no valid graph.
        """
        try:
            with _uncollected():
                graph = self._repo.index.graph
        except (YAMLSyntaxError, YAMLValidationError) as error:
            raise DamagedFileError(os.path.relpath(error.path)) from None
        except DvcException as error:
            raise UserError(" ".join(str(error).split())) from None
        before = {stage: frozenset(other.name for other in graph.successors(stage)) for stage in graph}
        return {
            stage.name: DvcStage(self._repo, stage, before[stage]) for stage in graph
        }  # DVC's arrows point upstream

    def reset(self) -> None:
        """Read dvc.yaml and dvc.lock anew."""
        self._repo._reset()

    def track(self, path: Path) -> None:
        """Remind of `git add`, or do it, as DVC is configured."""
        self._repo.scm_context.track_file(str(path))


@contextmanager
def alone() -> Iterator[DvcRepository]:
    """Within the block no other DVC command writes in this folder.

    Raises:
        UserError: this is no repository, or another DVC command works in it.
    """
    logging.getLogger("dvc").setLevel(logging.CRITICAL)  # DVC's lines and bars; its errors come as exceptions
    try:
        repo = Repo()
    except NotDvcRepoError:
        raise UserError("this is no DVC repository: run the command in the repository's root") from None
    with repo:
        try:
            repo.lock.lock()
        except LockError:
            raise UserError(BUSY) from None
        try:
            _refuse_others()
            with repo.scm_context(quiet=True):
                yield DvcRepository(repo)
        finally:
            repo.lock.unlock()


@contextmanager
def explained() -> Iterator[None]:
    """A fault of a step is a `StepError`; that another DVC command uses its paths is none, and ends the run."""
    try:
        yield
    except (LockError, RWLockFileCorruptedError, RWLockFileFormatError) as error:
        raise UserError(" ".join(str(error).split())) from None
    except (DvcException, OSError) as error:
        raise StepError(" ".join(str(error).split())) from error


def read_lock(text: str) -> dict[str, Any]:
    """The content of dvc.lock."""
    return loads_yaml(text) or {}


def lock_text(content: Mapping[str, Any]) -> str:
    """The bytes that DVC writes for this content."""
    return str(dumps_yaml(content))


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


@contextmanager
def _uncollected() -> Iterator[None]:
    """The block makes many objects that stay: looking for cycles among them takes a fifth of its time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
