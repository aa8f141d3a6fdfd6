"""Cells that an earlier run measured: a report takes their numbers from its record, reports/results.csv and the files
beside it (`results.record`).

A fresh clone has the record, dvc.lock and no artifacts, and several machines may measure one suite each. A cell that
was not measured in this folder has the numbers of the record if dvc.lock records it with the settings of today; the
code may be older, which is marked. A number is not used if its data, its metric's version or its protocol is not
today's: that of the data here, or of the cells measured here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline import files, paths
from pipeline.errors import UserError
from pipeline.params import Params
from pipeline.paths import Cell
from pipeline.report import benchmark
from pipeline.report.benchmark import Benchmark
from pipeline.results import outcomes, record, task_facts
from pipeline.results.outcomes import LOCK_DIGITS, Outcome
from pipeline.stages.plan import at, is_same_setting, settings_before
from pipeline.tracking import dvc_lock
from pipeline.tracking.dvc_lock import Lock

SWEEP = "sweep"
KNOB = frozenset({"knob_area", "knob_best"})
"""The metrics that a sweep makes."""
SETTINGS = "the record is of other settings"
DATA = "the record is of other data or metrics"
BEGIN = "Committed rows"
"""How each of `Committed.sentences` begins."""


@dataclass(frozen=True)
class Committed:
    """All cells, those of the record among them.

    Attributes:
        outcomes: in the order of params.yaml.
        other_settings: cells of the record that dvc.lock lacks, or has with other settings.
        other_protocol: numbers of the record under other data, another version or another protocol.
    """

    outcomes: Sequence[Outcome]
    other_settings: Sequence[Cell] = ()
    other_protocol: Sequence[tuple[Cell, str]] = ()

    def sentences(self) -> Iterator[str]:
        """What was taken from the record and what was not, a line each."""
        used = [o for o in self.outcomes if o.committed]
        if used:
            older = sum(o.older for o in used)
            by = f", {older} of them by older code" if older else ""
            yield f"{BEGIN}: {len(used)} cells, measured by an earlier run{by}."
        if self.other_settings:
            count, first = len(self.other_settings), self.other_settings[0].key
            why = f"their settings changed or {paths.LOCK} lacks them"
            yield f"{BEGIN} not used, for {why}: {count} cell{'s' * (count > 1)}, first {first}."
        if self.other_protocol:
            (cell, metric), count = self.other_protocol[0], len(self.other_protocol)
            why = "their data, metric version or protocol is another"
            yield f"{BEGIN} not used, for {why}: {count} number{'s' * (count > 1)}, first {metric} of {cell.key}."


def read(params: Params) -> tuple[Benchmark, Committed]:
    """The benchmark of the cells measured here and of those of the record.

    Raises:
        UserError: nothing is measured, a file is damaged, or a column holds two protocols.
    """
    committed = with_record(params, outcomes.every(params))
    return benchmark.of(params, committed.outcomes), committed


def with_record(params: Params, measured: Sequence[Outcome]) -> Committed:
    """`measured` with the numbers of the record for the cells that were not measured here.

    Raises:
        UserError: a file of the record is damaged.
    """
    absent = {o.cell for o in measured if o.status == "failed"}
    found = record.read() if absent else record.Record({}, ())
    candidates = {cell: o for cell, o in found.outcomes.items() if cell in absent}
    if not candidates:
        return Committed(measured)
    locked = _Locked.read(params)
    usable = {cell: known for cell, o in candidates.items() if (known := locked.known(o)) is not None}
    same, other = _of_today(measured, usable)
    numbers = [*((c, m) for c, m in found.other_version if c in usable), *other]
    return Committed(
        [_chosen(o, usable, candidates, same) for o in measured],
        [cell for cell in candidates if cell not in usable],
        numbers,
    )


def _chosen(
    outcome: Outcome, usable: Collection[Cell], candidates: Collection[Cell], same: Mapping[Cell, Outcome]
) -> Outcome:
    cell = outcome.cell
    if cell in same:
        return same[cell].model_copy(update={"family": outcome.family})
    if cell in candidates:
        return outcome.model_copy(update={"unused": DATA if cell in usable else SETTINGS})
    return outcome


def _of_today(
    measured: Iterable[Outcome], usable: Mapping[Cell, Outcome]
) -> tuple[dict[Cell, Outcome], list[tuple[Cell, str]]]:
    """The outcomes with the numbers under today's data and protocols, and the other numbers."""
    today = {(o.cell.task, name, metric.kind): metric.protocol for o in measured for name, metric in o.metrics.items()}
    data = _data(usable.values())
    kept: dict[Cell, Outcome] = {}
    other: list[tuple[Cell, str]] = []
    for cell, outcome in usable.items():
        metrics = {
            name: metric
            for name, metric in outcome.metrics.items()
            if outcome.data == data[cell.task]
            and today.get((cell.task, name, metric.kind), metric.protocol) == metric.protocol
        }
        other += [(cell, name) for name in outcome.metrics if name not in metrics]
        if metrics or outcome.status == "diverged":
            kept[cell] = outcome.model_copy(update={"metrics": metrics, **_without_knob(metrics)})
    return kept, other


def _without_knob(metrics: Collection[str]) -> dict[str, Any]:
    return {} if KNOB.intersection(metrics) else {"knob": "", "turns": (), "validation": ()}


def _data(usable: Iterable[Outcome]) -> dict[str, str | None]:
    """Task -> the hash of its data today: of those here, else of the record, else of most of the cells."""
    counts: dict[str, Counter[str | None]] = {}
    for outcome in usable:
        counts.setdefault(outcome.cell.task, Counter())[outcome.data] += 1
    found: dict[str, str | None] = {}
    for task, of in counts.items():
        known = task_facts.is_prepared(task) or task in task_facts.read()
        found[task] = task_facts.split(task) if known else of.most_common(1)[0][0]
    return found


@dataclass(frozen=True)
class _Locked:
    """dvc.lock, and the hashes of today's plan."""

    params: Params
    lock: Lock | None
    plan: Mapping[str, Any]
    sweeps: Collection[Cell]

    @classmethod
    def read(cls, params: Params) -> _Locked:
        """Without either file no cell is known."""
        try:
            return cls(params, dvc_lock.read(), files.read_json(paths.PARAMETERS, "coverseek plan"), {*params.sweeps})
        except UserError:
            return cls(params, None, {}, ())

    def known(self, outcome: Outcome) -> Outcome | None:
        """The outcome as an earlier run's, without its knob where that was turned under other settings; None where
        dvc.lock does not record it with the settings of today."""
        cell = outcome.cell
        hashes = [self._hashes(stage, cell) for stage in dvc_lock.STAGES]
        trained, *others = (_is_same(found) for found in hashes)
        if not (trained or self._is_same_training(cell)) or not all(others) or not self._is_locked(outcome):
            return None
        swept = cell in self.sweeps and _is_same(self._hashes(SWEEP, cell))
        hashes += [self._hashes(SWEEP, cell)] if swept and outcome.turns else []
        metrics = {name: metric for name, metric in outcome.metrics.items() if swept or name not in KNOB}
        older = any(value != current for of in hashes for value, current in of)
        return outcome.model_copy(update={"metrics": metrics, "committed": True, "older": older})

    def _is_same_training(self, cell: Cell) -> bool:
        """Whether dvc.lock was written before a setting was added that leaves the training as it was."""
        before = settings_before(self.params, cell)
        return before is not None and [value.partition("-")[2] for value, _ in self._hashes("train", cell)] == [before]

    def _hashes(self, stage: str, cell: Cell) -> list[tuple[str, Any]]:
        """(that of dvc.lock, that of today) of each parameter of a stage."""
        entry = self.lock.stages.get(f"{stage}@{cell.key}", {}) if self.lock else {}
        found = entry.get("params", {}).get(paths.PARAMETERS.as_posix(), {})
        return [(str(value), at(self.plan, key)) for key, value in found.items()]

    def _is_locked(self, outcome: Outcome) -> bool:
        """Whether dvc.lock has the metrics file that the numbers are from, as far as both are known."""
        metrics = paths.metrics(outcome.cell)
        md5 = self.lock.md5("evaluate", outcome.cell, metrics) if self.lock else None
        return not (md5 and outcome.lock) or md5[:LOCK_DIGITS] == outcome.lock


def _is_same(hashes: Sequence[tuple[str, Any]]) -> bool:
    return bool(hashes) and all(is_same_setting(value, current) for value, current in hashes)
