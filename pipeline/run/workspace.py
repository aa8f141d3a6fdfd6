"""DVC's side of a run, in this process: which steps there are, which of them are stale, what dvc.lock says of them.

The same calls as `dvc repro` makes, in the same order, so that each goes on where the other stopped. A step is saved
to the run cache as soon as it ends: even a killed driver loses none. dvc.lock is written once, at the end, because
writing it takes seconds however little changed.
"""

from __future__ import annotations

import graphlib
import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dvc.exceptions import DvcException
from dvc.lock import LockError
from dvc.repo import Repo
from dvc.rwlock import RWLockFileCorruptedError, RWLockFileFormatError
from dvc.stage.cache import RunCacheNotFoundError

from pipeline import paths
from pipeline.errors import UserError, suggest
from pipeline.metrics.evaluation import code_hash
from pipeline.paths import Cell
from pipeline.run import lockfile
from pipeline.run.source_changes import SourceChanges
from pipeline.run.step import Step, StepError
from pipeline.stages.plan import at, is_same_setting

ONCE, PER_TASK, PER_CELL = ("plan", "report"), ("prepare", "features"), ("train", "evaluate")
"""The kinds of stages of dvc.yaml; besides `sweep`, of some cells, which a grid may lack altogether."""


class Workspace:
    def __init__(self, repo: Repo) -> None:
        self._cache, self._scm = repo.stage_cache, repo.scm_context
        self._graph = repo.index.graph
        self._stages = {stage.name: stage for stage in self._graph}
        self._sources = SourceChanges()
        self._inputs: dict[str, dict[str, Any]] = {}
        self._records: set[str] = set()
        self._forced: set[str] = set()

    def steps(self, cells: Iterable[Cell]) -> dict[str, Step]:
        """The steps that bring `cells` and the report up to date, in the order of dvc.yaml.

        Raises:
            UserError: dvc.yaml lacks a kind of stage, or has one whose command is not `coverseek`.
        """
        cells = list(cells)
        heads = {name.partition("@")[0] for name in self._stages}
        for missing in sorted({*ONCE, *PER_TASK, *PER_CELL} - heads):
            raise UserError(f"{paths.PIPELINE} has no stage {missing}; {suggest(missing, heads)}")
        wanted = {f"{stage}@{cell.key}" for stage in (*PER_CELL, "sweep") for cell in cells}
        wanted |= {f"{stage}@{cell.task}" for stage in PER_TASK for cell in cells} | {*ONCE}
        names = [name for name in self._stages if name in wanted]
        return {name: self._step(name, wanted) for name in names}

    def force(self, names: Iterable[str]) -> None:
        """Run these steps whatever DVC says of them."""
        self._forced.update(names)

    def unforce(self) -> None:
        """Run steps only where they are stale again."""
        self._forced.clear()

    def stale(self, steps: Mapping[str, Step], current: Mapping[str, Any]) -> list[str]:
        """The steps that a run would run or restore from the cache, nothing being written.

        Args:
            steps: as from `steps`.
            current: what plan/parameters.json would hold.
        """
        found: dict[str, None] = {}
        for name in graphlib.TopologicalSorter({name: step.after for name, step in steps.items()}).static_order():
            before = steps[name].after & found.keys() - {"plan"}
            with _explained():
                if before or name in self._forced or self._changed(name, current):
                    found[name] = None
        return [name for name in steps if name in found]

    def acceptable(self, name: str, current: Mapping[str, Any]) -> bool:
        """Whether nothing but the code of a stale step changed since dvc.lock recorded it."""
        stage, recorded = self._stages[name], _parameters(self._stages[name])
        others = [dep for dep in stage.deps if dep not in stage.params]
        with _explained():
            return (
                bool(recorded)
                and all(is_same_setting(value, at(current, key)) for key, value in recorded.items())
                and not stage.changed_stage()
                and not any(dep.status() for dep in others)
                and not stage.changed_outs()
            )

    def accept(self, name: str) -> None:
        """Record a step with the outputs that it has, as `dvc commit` does."""
        stage = self._stages[name]
        with _explained():
            stage.save_deps()
            self._save(stage)

    def outputs(self, name: str) -> dict[str, str]:
        """Path -> md5 of a step's outputs, wall times left out."""
        times = paths.times("", Cell("", "", 0)).parent.as_posix()
        return {str(out): str(out.hash_info.value) for out in self._stages[name].outs if not str(out).startswith(times)}

    def _changed(self, name: str, current: Mapping[str, Any]) -> bool:
        stage = self._stages[name]
        if name == "plan":
            return not self.fresh(name)
        others = [dep for dep in stage.deps if dep not in stage.params]
        moved = any(at(current, key) != value for key, value in _parameters(stage).items())
        return moved or not _parameters(stage) or any(dep.status() for dep in others) or stage.changed_outs()

    def fresh(self, name: str) -> bool:
        """Whether a step whose inputs are settled needs nothing."""
        with _explained():
            return name not in self._forced and not self._stages[name].changed() and self._known(name)

    def restore(self, name: str) -> bool:
        """Bring back a stale step's outputs, if the run cache has them; else remember what the step will read."""
        stage = self._stages[name]
        with _explained():
            if stage.changed_stage() or not stage.deps_cached():
                stage.save_deps()
                _clear_hashes(stage)  # else DVC takes the outputs in dvc.lock, which belong to other inputs
            self._inputs[name] = _inputs(stage)
            if name in self._forced:
                return False
            if self._restored(stage):
                return self._known(name)
            _clear_hashes(stage)  # a lock from elsewhere names wall times that only its own cache has
            return self._restored(stage) and self._known(name)

    def clear(self, name: str) -> None:
        """Remove a step's outputs: before it runs, and when it failed, lest they be taken for its result.

        Outputs in git stay: the report replaces them when all of it is made. A forced evaluation also loses the numbers
        that it remembers, so that it measures all of them.
        """
        stage = self._stages[name]
        if name in self._forced and name.startswith("evaluate@"):
            (code_hash.FILE.parent / f"{name.partition('@')[2]}.json").unlink(missing_ok=True)
        with _explained():
            if any(out.use_cache for out in stage.outs):
                stage.remove_outs()

    def record(self, name: str) -> None:
        """Take over the outputs of a step that ran.

        Raises:
            StepError: an output is missing or unreadable, or an input changed meanwhile.
        """
        stage = self._stages[name]
        with _explained():
            stage.save_deps()
            if _inputs(stage) != self._inputs[name] or self._sources.moved(_parameters(stage)):
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
        """Of `plan`, whether it holds for other packages, which DVC cannot see; of any other step True."""
        return name != "plan" or self._sources.known()

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


def _clear_hashes(stage: Any) -> None:
    """Clear a step's output hashes, so that DVC looks for them in the run cache and not in dvc.lock."""
    for out in stage.outs:
        out.clear()


def _inputs(stage: Any) -> dict[str, Any]:
    return {str(dep): dep.hash_info for dep in stage.deps}


def _parameters(stage: Any) -> dict[str, str]:
    """The hashes of settings and code that a step was started with."""
    return next((dict(dep.hash_info.value) for dep in stage.params if dep.def_path == str(paths.PARAMETERS)), {})


@contextmanager
def _explained() -> Iterator[None]:
    """A fault of a step is a `StepError`; that another DVC command uses its paths is none, and ends the run."""
    try:
        yield
    except (LockError, RWLockFileCorruptedError, RWLockFileFormatError) as error:
        raise UserError(" ".join(str(error).split())) from None
    except (DvcException, OSError) as error:
        raise StepError(" ".join(str(error).split())) from error
