"""DVC's side of a run, in this process: which steps there are, which of them are stale, what dvc.lock says of them.

The same calls as `dvc repro` makes, in the same order, so that each goes on where the other stopped. A step is saved
to the run cache as soon as it ends: even a killed driver loses none. dvc.lock is written once, at the end, because
writing it takes seconds however little changed.
"""

from __future__ import annotations

import graphlib
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pipeline import paths
from pipeline.errors import UserError, suggest
from pipeline.metrics.evaluation import code_hash
from pipeline.paths import Cell
from pipeline.run import lockfile
from pipeline.run.dvc_repository import DvcRepository, DvcStage, explained
from pipeline.run.place import Work
from pipeline.run.source_changes import SourceChanges
from pipeline.run.step import Step, StepError
from pipeline.stages.plan import at, is_same_setting

ONCE, PER_TASK, PER_CELL = ("plan", "report"), ("prepare", "features"), ("train", "evaluate")
"""The kinds of stages of dvc.yaml; besides `sweep`, of some cells, which a grid may lack altogether."""


class Workspace:
    def __init__(self, repository: DvcRepository) -> None:
        self._repository, self._stages = repository, repository.stages()
        self._sources = SourceChanges()
        self._inputs: dict[str, dict[str, Any]] = {}
        self._records: set[str] = set()
        self._forced: set[str] = set()

    @property
    def cache(self) -> Path:
        """The folder of DVC's cache, in which files are named by their md5."""
        return self._repository.cache

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
            with explained():
                if before or name in self._forced or self._changed(name, current):
                    found[name] = None
        return [name for name in steps if name in found]

    def acceptable(self, name: str, current: Mapping[str, Any]) -> bool:
        """Whether nothing but the code of a stale step changed since dvc.lock recorded it."""
        stage, recorded = self._stages[name], self._stages[name].parameters
        with explained():
            return (
                bool(recorded)
                and all(is_same_setting(value, at(current, key)) for key, value in recorded.items())
                and not stage.has_changed_command()
                and not stage.has_changed_files()
                and not stage.has_changed_outputs()
            )

    def accept(self, name: str) -> None:
        """Record a step with the outputs that it has, as `dvc commit` does."""
        stage = self._stages[name]
        with explained():
            stage.save_inputs()
            self._save(stage)

    def outputs(self, name: str) -> dict[str, str]:
        """Path -> md5 of a step's outputs, wall times left out."""
        times = paths.times("", Cell("", "", 0)).parent.as_posix()
        return {path: md5 for path, md5 in self._stages[name].outputs.items() if not path.startswith(times)}

    def _changed(self, name: str, current: Mapping[str, Any]) -> bool:
        stage = self._stages[name]
        if name == "plan":
            return not self.fresh(name)
        moved = any(at(current, key) != value for key, value in stage.parameters.items())
        return moved or not stage.parameters or stage.has_changed_files() or stage.has_changed_outputs()

    def fresh(self, name: str) -> bool:
        """Whether a step whose inputs are settled needs nothing."""
        with explained():
            return name not in self._forced and not self._stages[name].has_changed() and self._known(name)

    def restore(self, name: str) -> bool:
        """Bring back a stale step's outputs, if the run cache has them; else remember what the step will read."""
        stage = self._stages[name]
        with explained():
            stage.prepare_restore()
            self._inputs[name] = stage.inputs
            if name in self._forced:
                return False
            if not stage.restore():
                stage.clear_hashes()  # a lock from elsewhere names wall times that only its own cache has
                if not stage.restore():
                    return False
            self._records.add(name)
            return self._known(name)

    def clear(self, name: str) -> None:
        """Remove a step's outputs: before it runs, and when it failed, lest they be taken for its result.

        Outputs in git stay: the report replaces them when all of it is made. A forced evaluation also loses the numbers
        that it remembers, so that it measures all of them.
        """
        stage = self._stages[name]
        if name in self._forced and name.startswith("evaluate@"):
            (code_hash.FILE.parent / f"{name.partition('@')[2]}.json").unlink(missing_ok=True)
        with explained():
            if stage.cached:
                stage.remove_outputs()

    def work(self, step: Step) -> Work:
        """A step with the hashes of what all steps before it made, directly or not, and the paths that it writes."""
        reads: dict[str, str] = {}
        before, waiting = set[str](), [*self._stages[step.name].before]
        while waiting:
            name = waiting.pop()
            if name not in before and self._stages[name].cached:
                before.add(name)
                waiting += self._stages[name].before
                reads |= self.outputs(name)
        return Work(step, reads, tuple(self._stages[step.name].outputs))

    def record(self, name: str) -> None:
        """Take over the outputs of a step that ran.

        Raises:
            StepError: an output is missing or unreadable, or an input changed meanwhile.
        """
        stage = self._stages[name]
        with explained():
            stage.save_inputs()
            if stage.inputs != self._inputs[name] or self._sources.moved(stage.parameters):
                raise StepError("its inputs changed while it ran; run again")
            self._save(stage)

    def flush(self) -> None:
        """Write what was recorded to dvc.lock, in the order of dvc.yaml: the order in which cells end is chance."""
        records = [stage for name, stage in self._stages.items() if name in self._records]
        lockfile.update(records, list(self._stages))
        self._records.clear()
        if records:
            self._repository.track(paths.LOCK)

    def _step(self, name: str, selected: set[str]) -> Step:
        stage = self._stages[name]
        words = shlex.split(stage.command)
        if words[0] != "coverseek":
            raise UserError(f"{paths.PIPELINE}: the command of {name} is {words[0]!r}; allowed: coverseek")
        return Step(name, tuple(words[1:]), stage.before & selected)

    def _known(self, name: str) -> bool:
        """Of `plan`, whether it holds for other packages, which DVC cannot see; of any other step True."""
        return name != "plan" or self._sources.known()

    def _save(self, stage: DvcStage) -> None:
        stage.save()
        self._records.add(stage.name)
