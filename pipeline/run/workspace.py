"""DVC's side of a run, in this process: which steps there are, which of them are stale, what dvc.lock says of them.

The same calls as `dvc repro` makes, in the same order, so that each goes on where the other stopped. A step is saved
to the run cache as soon as it ends: even a killed driver loses none. dvc.lock is written once, at the end, because
writing it takes seconds however little changed.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dvc.exceptions import DvcException
from dvc.lock import LockError
from dvc.repo import Repo
from dvc.rwlock import RWLockFileCorruptedError, RWLockFileFormatError
from dvc.stage.cache import RunCacheNotFoundError

from pipeline import paths
from pipeline.errors import UserError, suggest
from pipeline.params import Suite
from pipeline.run import lockfile
from pipeline.run.sources import Sources
from pipeline.run.step import Step, StepError


class Workspace:
    def __init__(self, repo: Repo) -> None:
        self._cache, self._scm = repo.stage_cache, repo.scm_context
        self._graph = repo.index.graph
        self._stages = {stage.name: stage for stage in self._graph}
        self._sources = Sources()
        self._inputs: dict[str, dict[str, Any]] = {}
        self._records: set[str] = set()

    def steps(self, suites: Mapping[str, Suite]) -> dict[str, Step]:
        """The steps that bring `suites` up to date."""
        tasks = {task for suite in suites.values() for task in suite.tasks}
        cells = {f"{stage}_{suite}" for stage in ("train", "evaluate") for suite in suites}
        cells |= {f"sweep_{name}" for name, suite in suites.items() if suite.sweep}
        heads = {name.partition("@")[0] for name in self._stages}
        for missing in sorted(cells - heads):
            raise UserError(f"{paths.PIPELINE} has no stage {missing}, which a suite needs; {suggest(missing, heads)}")
        names = {name for name in self._stages if _wanted(*name.split("@"), tasks=tasks, cells=cells)}
        return {name: self._step(name, names) for name in names}

    def fresh(self, name: str) -> bool:
        """Whether a step whose inputs are settled needs nothing."""
        with _explained():
            return not self._stages[name].changed() and self._known(name)

    def restore(self, name: str) -> bool:
        """Bring back a stale step's outputs, if the run cache has them; else remember what the step will read."""
        stage = self._stages[name]
        with _explained():
            if stage.changed_stage() or not stage.deps_cached():
                stage.save_deps()
                _forget(stage)  # else DVC takes the outputs in dvc.lock, which belong to other inputs
            self._inputs[name] = _inputs(stage)
            if self._restored(stage):
                return self._known(name)
            _forget(stage)  # a lock from elsewhere names wall times that only its own cache has
            return self._restored(stage) and self._known(name)

    def clear(self, name: str) -> None:
        """Remove a step's outputs: before it runs, and when it failed, lest they be taken for its result."""
        with _explained():
            self._stages[name].remove_outs()

    def record(self, name: str) -> None:
        """Take over the outputs of a step that ran.

        Raises:
            StepError: an output is missing or unreadable, or an input changed meanwhile.
        """
        stage = self._stages[name]
        with _explained():
            stage.save_deps()
            if _inputs(stage) != self._inputs[name] or self._sources.moved(_code(stage)):
                raise StepError("its inputs changed while it ran; run again")
            self._save(stage)

    def flush(self) -> None:
        """Write what was recorded to dvc.lock, in the order of dvc.yaml: the order in which cells end is chance."""
        records = [stage for name, stage in self._stages.items() if name in self._records]
        lockfile.update(records, list(self._stages))
        self._records.clear()
        if records:
            self._scm.track_file(str(paths.LOCK))

    def _step(self, name: str, selected: set[str]) -> Step:
        stage = self._stages[name]
        words = shlex.split(stage.cmd)
        if words[0] != "coverseek":
            raise UserError(f"{paths.PIPELINE}: the command of {name} is {words[0]!r}; allowed: coverseek")
        before = {other.name for other in self._graph.successors(stage)}  # DVC's arrows point upstream
        return Step(name, tuple(words[1:]), frozenset(before & selected))

    def _known(self, name: str) -> bool:
        """Of `code`, whether it holds for other packages, which DVC cannot see; of any other step there is no doubt."""
        return name != "code" or self._sources.known()

    def _restored(self, stage: Any) -> bool:
        try:
            self._cache.restore(stage, dry=True)
        except RunCacheNotFoundError:
            return False
        stage.remove_outs()
        self._cache.restore(stage)
        self._save(stage)
        return True

    def _save(self, stage: Any) -> None:
        keeps = all(out.use_cache or out.is_metric or out.is_plot for out in stage.outs)
        stage.save(run_cache=keeps)  # as DVC decides it in Stage.run
        stage.commit()
        self._records.add(stage.name)


def _wanted(head: str, key: str = "", *, tasks: set[str], cells: set[str]) -> bool:
    return head in ("code", "report") or head in cells or (head in ("prepare", "features") and key in tasks)


def _forget(stage: Any) -> None:
    """Unknow a step's outputs, so that DVC looks for them in the run cache and not in dvc.lock."""
    for out in stage.outs:
        out.clear()


def _inputs(stage: Any) -> dict[str, Any]:
    return {str(dep): dep.hash_info for dep in stage.deps}


def _code(stage: Any) -> dict[str, str]:
    """The code hashes that a step was started with."""
    return next((dict(dep.hash_info.value) for dep in stage.params if dep.def_path == str(paths.CODE)), {})


@contextmanager
def _explained() -> Iterator[None]:
    """A fault of a step is a `StepError`; that another DVC command uses its paths is none, and ends the run."""
    try:
        yield
    except (LockError, RWLockFileCorruptedError, RWLockFileFormatError) as error:
        raise UserError(" ".join(str(error).split())) from None
    except (DvcException, OSError) as error:
        raise StepError(" ".join(str(error).split())) from error
