"""`coverseek run --verify N`: accept results that a change of code leaves as they are.

A refactoring changes the hashes of code, which makes every step stale though no number changes. A random sample of the
stale cells runs again: at least N, at least one of each family, and a task of each dataset and extractor. Only where
every output of the sample has the bytes that dvc.lock names, wall times aside, the other stale steps keep their
outputs, as after `dvc commit`. A step can be accepted if nothing but its code changed: its settings, inputs and outputs
are those of dvc.lock. The seed of the sample follows from the new hashes: it can be drawn again, and not be chosen.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pipeline import files, paths
from pipeline.errors import UserError
from pipeline.params import Params
from pipeline.run.place import Work
from pipeline.run.step import Result, Step
from pipeline.run.workspace import Workspace

Hashes = dict[str, str]
"""Path of an output -> its md5."""


class Verification(NamedTuple):
    """`differing`: step -> the outputs whose bytes are not those of dvc.lock, or why it failed."""

    seed: int
    rerun: list[str]
    accepted: list[str]
    differing: dict[str, str]

    def write(self) -> None:
        """Write reports/verified.json."""
        files.write_json(paths.VERIFIED, self._asdict())


def accepted_before() -> list[str]:
    """The steps that reports/verified.json names as accepted."""
    return list(_last().get("accepted", []))


def forget(ran: Collection[str]) -> None:
    """Take steps that ran out of reports/verified.json; it is removed when no accepted step is left."""
    last, before = _last(), accepted_before()
    left = [name for name in before if name not in ran]
    if before and not left:
        paths.VERIFIED.unlink()
    elif left != before:
        files.write_json(paths.VERIFIED, {**last, "accepted": left})


def _last() -> dict[str, Any]:
    """What the last verification wrote; empty where there was none."""
    try:
        last = json.loads(paths.VERIFIED.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return last if isinstance(last, dict) else {}


def refuse_repetition(seed: int) -> None:
    """Steps that differed are recorded anew, so a second sample of the same code would leave them out.

    Raises:
        UserError: the last verification of this code found differences.
    """
    last = _last()
    if last.get("seed") == seed and last.get("differing"):
        raise UserError(f"{paths.VERIFIED}: this code gives other results than {paths.LOCK}: run coverseek run")


class VerifiedWorkspace:
    """The workspace, for steps that run again to be compared with dvc.lock."""

    def __init__(self, workspace: Workspace, names: Iterable[str]) -> None:
        self.workspace = workspace
        self.before = {name: workspace.outputs(name) for name in names}
        self.differing: dict[str, str] = {}

    def fresh(self, name: str) -> bool:
        return False

    def restore(self, name: str) -> bool:
        return self.workspace.restore(name)

    def clear(self, name: str) -> None:
        self.workspace.clear(name)

    def work(self, step: Step) -> Work:
        return self.workspace.work(step)

    def record(self, name: str) -> None:
        """Record the step whether or not its outputs differ: they were made by the code of today."""
        self.workspace.record(name)
        after = self.workspace.outputs(name)
        different = [path for path, md5 in self.before[name].items() if after.get(path) != md5]
        if different:
            self.differing[name] = f"differs from {paths.LOCK}: {', '.join(different)}"


def acceptable(
    workspace: Workspace, steps: Mapping[str, Step], stale: Sequence[str], current: Mapping[str, Any]
) -> dict[str, Step]:
    """The stale steps of which nothing but the code changed, nor of those before them.

    Args:
        stale: their names, those of earlier stages first.
        current: the content of plan/parameters.json.
    """
    found: dict[str, Step] = {}
    for name in stale:
        before = steps[name].after.intersection(stale)
        if before <= found.keys() and workspace.acceptable(name, current):
            found[name] = steps[name]
    return found


def sample(settings: Params, acceptable: Mapping[str, Step], count: int, seed: int) -> list[str]:
    """The steps that run again.

    Args:
        acceptable: the stale steps that may be accepted, by name.
        count: cells that run again at least, all of them where there are fewer.
        seed: of the random order of the cells and tasks.

    Returns:
        All acceptable steps of the sampled cells and tasks, in the order of `acceptable`. Each pair of a kind of step
        and a family (of a cell), dataset (of `prepare`) or extractor (of `features`) is among them.
    """
    groups: dict[str, list[str]] = {}
    for name, step in acceptable.items():
        groups.setdefault(step.key, []).append(name)
    kinds = {name: (step.stage, _kind(settings, step)) for name, step in acceptable.items()}
    order = sorted(groups)
    random.Random(seed).shuffle(order)
    chosen: list[str] = []
    covered: set[tuple[str, str]] = set()
    cells = {cell.key for cell in settings.cells}
    for key in order:
        new = {kinds[name] for name in groups[key]} - covered
        if new:
            chosen.append(key)
            covered |= new
    others = [key for key in order if key in cells and key not in chosen]
    chosen += others[: max(0, count - len(cells.intersection(chosen)))]
    names = {name for key in chosen for name in groups[key]}
    return [name for name in acceptable if name in names]


def _kind(settings: Params, step: Step) -> str:
    if step.stage in ("prepare", "features"):
        task = settings.tasks[step.key]
        return task.data.dataset if step.stage == "prepare" else task.extractor.name
    cell = next(cell for cell in settings.cells if cell.key == step.key)
    return settings.model(settings.task_events[cell.task], cell.model).family


def seed_of(parameters: Mapping[str, Any]) -> int:
    """The seed that follows from the content of plan/parameters.json."""
    return int(hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()[:8], 16)


def failures(names: Sequence[str], results: Mapping[str, Result], differing: Mapping[str, str]) -> dict[str, str]:
    """Step -> why it does not verify: it failed, was skipped, or has other outputs."""
    bad = {name: results[name].reason or results[name].outcome for name in names if results[name].bad}
    return bad | dict(differing)
