"""What is to be in the store: each cell of the grid that ran and each scored file, named by its hash."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from pipeline import files, paths
from pipeline.params import Params
from pipeline.paths import Cell
from pipeline.results import curve as curves
from pipeline.results import external, outcomes
from pipeline.results.outcomes import Outcome
from pipeline.results.protocol import Protocol
from pipeline.tracking import limits
from pipeline.tracking.dvc_lock import Lock, digest
from pipeline.training import record

SETTINGS = ("recipe", "hyper", "training", "seed")
"""The keys of a trained model's record that are its parameters."""


class LoggedPoint(NamedTuple):
    """One value of a training curve; `key` is player/part."""

    key: str
    step: int
    value: float


def curve_digest(points: Iterable[LoggedPoint]) -> str:
    """A hash of a curve with six digits of each value, as its file has them."""
    return digest([f"{point.step} {point.key} {point.value:.6g}" for point in points])


def config_digest(params: Mapping[str, str]) -> str:
    """A hash of the settings that a cell was trained with."""
    return digest(dict(params))


@dataclass(frozen=True)
class RunRecord:
    """One cell, or one scored file. `hash` names its run; `data` and `weights` are DVC's hashes of what a cell was
    trained on and became."""

    outcome: Outcome
    hash: str
    params: dict[str, str]
    data: str | None = None
    weights: str | None = None

    @property
    def cell(self) -> Cell:
        return self.outcome.cell

    @property
    def protocols(self) -> dict[str, Protocol]:
        """Metric -> what defines it."""
        return {metric: self.outcome.protocol(metric) for metric in self.outcome.metrics}

    @property
    def ids(self) -> str:
        """Its metrics' protocol ids, as json."""
        return limits.as_json({metric: protocol.id for metric, protocol in self.protocols.items()})

    @cached_property
    def curve(self) -> list[LoggedPoint]:
        """The training curve of the cell; empty for a control, and for what was scored from files."""
        if self.external or not paths.curve(self.cell).exists():
            return []
        return [LoggedPoint(f"{row.player}/{row.part}", row.step, row.value) for row in curves.read(self.cell)]

    @cached_property
    def training_name(self) -> str:
        """What the run of its training is found by, as in `runs.training_name`."""
        return f"{self.cell.key} {config_digest(self.params)} {curve_digest(self.curve)}"

    @property
    def external(self) -> bool:
        """Scored from files: it was trained elsewhere, and has no seed, no curve and no weights."""
        return self.outcome.family == external.EXTERNAL

    @property
    def ok(self) -> bool:
        return self.outcome.status == "ok"


def read(params: Params, lock: Lock) -> list[RunRecord]:
    """The cells of the suites of which one ran, in the order of params.yaml, then what was scored from files.

    Cells whose outputs do not match dvc.lock are skipped: their results were not committed. So is what is stale.

    Raises:
        UserError: nothing is measured, or a cell's file is damaged.
    """
    cells = outcomes.read(params)
    ran = {o.cell for o in cells if o.status != "failed"}
    due = {cell for suite in params.suites.values() if ran & {*suite.cells()} for cell in suite.cells()}
    entries = (_failed(params, o) if o.status == "failed" else _entry(lock, o) for o in cells if o.cell in due)
    scored = [_scored(o) for o in external.read(params, cells) if o.status == "ok"]
    return [*(entry for entry in entries if entry is not None), *scored]


def by_task(entries: Iterable[RunRecord]) -> dict[str, list[RunRecord]]:
    """Task -> its cells, in the order of params.yaml."""
    return _grouped(entries, lambda entry: entry.cell.task)


def by_model(entries: Iterable[RunRecord]) -> dict[str, list[RunRecord]]:
    """Model -> its cells, in the order of params.yaml."""
    return _grouped(entries, lambda entry: entry.cell.model)


def figures(task: str) -> list[Path]:
    """The report's pictures of a task: its name is one of the words that hyphens join in the file's name."""
    return sorted(path for path in paths.FIGURES.glob("*.png") if task in path.stem.split("-"))


def run_names(entries: Sequence[RunRecord]) -> Counter[str]:
    """What a store has to hold of `entries`: the hash of each, and `model <name>` of each model."""
    return Counter([*(entry.hash for entry in entries), *(f"model {name}" for name in by_model(entries))])


def fingerprint(task: str, entries: Sequence[RunRecord]) -> str:
    """A hash of everything about a task that is published."""
    pictures = {path.name: files.sha256(path) for path in figures(task)}
    return digest([[(entry.hash, entry.ids) for entry in entries], pictures if entries else {}])


def _grouped(entries: Iterable[RunRecord], key: Callable[[RunRecord], str]) -> dict[str, list[RunRecord]]:
    groups: dict[str, list[RunRecord]] = {}
    for entry in entries:
        groups.setdefault(key(entry), []).append(entry)
    return groups


def _entry(lock: Lock, outcome: Outcome) -> RunRecord | None:
    cell = outcome.cell
    name = lock.digest(cell)
    report = paths.metrics(cell)
    if name is None or lock.md5("evaluate", cell, report) != files.md5(report):
        return None
    data = lock.md5("train", cell, paths.prepared(cell.task) / "manifest.json")
    weights = lock.md5("train", cell, paths.trained(cell))
    return RunRecord(outcome, name, _trained(cell), data, weights)


def _failed(params: Params, outcome: Outcome) -> RunRecord:
    """A failed cell has no outputs: its settings are hashed."""
    cell, events = outcome.cell, params.task_events[outcome.cell.task]
    hyper = params.model(events, cell.model).keywords
    settings = flat({"hyper": hyper, "training": params.train(events, cell.model).model_dump(), "seed": cell.seed})
    return RunRecord(outcome, digest(["failed", cell.key, settings]), settings)


def _scored(outcome: Outcome) -> RunRecord:
    """Named by its record: its numbers, and the hashes of what they were made from."""
    task, name = outcome.cell.task, outcome.cell.model
    content = external.content(task, name)
    others = ("metrics", "protocols", "task", "model", "family", "status")
    params = {key: value for key, value in content.items() if key not in others}
    return RunRecord(outcome, digest(["scored", content]), flat(params))


def _trained(cell: Cell) -> dict[str, str]:
    model = record.read(cell)
    return flat({key: model[key] for key in SETTINGS if key in model})


def flat(tree: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """{"hyper": {"width": 64}} -> {"hyper.width": "64"}"""
    items: dict[str, str] = {}
    for key, value in tree.items():
        items |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": str(value)}
    return items
