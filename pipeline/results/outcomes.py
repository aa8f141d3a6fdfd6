"""Outcomes: each cell of the grid in params.yaml with its numbers, or the reason why it has none.

They are read from the artifacts of this folder; `record` has those of earlier runs.

The grid decides which files are read: those of a removed model are ignored. A cell is measured only if every output of
its stages exists: after a failed re-run of `train`, old metrics are left on disk, but its times are gone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Field

from pipeline import files, paths
from pipeline.errors import UserError
from pipeline.metrics.registry import version
from pipeline.params import Params, Suite
from pipeline.paths import Cell
from pipeline.results import convergence
from pipeline.results.protocol import Protocol, split

Better = Literal["higher", "lower", "none"]
Status = Literal["ok", "diverged", "failed", "stale"]
LARGEST = 1e100
"""Magnitude of a number: squares and sums of such numbers are still finite."""
LOCK_DIGITS = 8
"""Of a hash: enough to find it in dvc.lock and in its history."""
Number = Annotated[float, Field(allow_inf_nan=False, ge=-LARGEST, le=LARGEST)]


class Measurement(BaseModel):
    """One number and what it means."""

    value: Number
    unit: str
    better: Better
    kind: str
    protocol: str
    low: Number | None = None
    """Of the sampling interval, where one is known."""
    high: Number | None = None


class Divergence(BaseModel):
    """Where a loss stopped being finite."""

    step: int
    player: str


class SweepPoint(BaseModel):
    """A model at one setting of its knob."""

    setting: Number
    precision: Number
    recall: Number
    frechet: Number
    coverage: Number | None = None
    obedience: Number | None = None


class Sweep(BaseModel):
    """A cell's model at each setting of its knob.

    Attributes:
        turns: the settings on the test split.
        validation: the settings on the validation split, by which `area` and `best` select; empty in files of older
            versions, which selected on the test split without saying so in their protocol.
        area: the area under the knob.
        best: the setting with the highest F_1.
    """

    status: Literal["ok", "diverged"]
    knob: str = ""
    protocol: str = ""
    turns: tuple[SweepPoint, ...] = ()
    validation: tuple[SweepPoint, ...] = ()
    area: Number = 0.0
    best: Number | None = None


class Outcome(BaseModel):
    """One cell after its run, or one external model.

    Attributes:
        metrics: empty unless the status is "ok".
        turns: the settings of its knob on the test split; empty unless they were swept.
        validation: the same on the validation split.
        data: a hash of the task's prepared data.
        trust: "re-trained" of a cell; see `external`.
        replicated: whether other seeds draw other samples, as those of a control that returns stored items may not.
        lock: how the md5 of its metrics file begins, as dvc.lock has it.
        committed: whether an earlier run measured it, so that it is known from the record alone (`results.record`).
        older: whether that was by older code.
        unused: of a cell without numbers, why those of the record are not used.
    """

    cell: Cell
    family: str
    condition: str = "none"
    status: Status
    diverged: Divergence | None = None
    metrics: dict[str, Measurement] = {}
    hardware: dict[str, Any] = {}
    knob: str = ""
    turns: tuple[SweepPoint, ...] = ()
    validation: tuple[SweepPoint, ...] = ()
    data: str | None = None
    trust: str = "re-trained"
    replicated: bool = True
    lock: str = ""
    committed: bool = False
    older: bool = False
    unused: str = ""

    @property
    def converged(self) -> bool | None:
        """Whether its validation score had stopped to improve; None where that is not decided (`convergence`)."""
        decided = [c for c in convergence.CRITERIA if c.metric in self.metrics]
        return all(self.metrics[c.metric].value <= c.limit for c in decided) if decided else None

    def protocol(self, metric: str) -> Protocol:
        """What defines one of its numbers."""
        measured = self.metrics[metric]
        return Protocol(metric, measured.kind, measured.protocol, self.data, version(metric))


class Times(BaseModel):
    metrics: dict[str, Measurement]
    hardware: dict[str, Any] = {}

    def by_device(self) -> dict[str, Measurement]:
        """The times; those of a GPU are of a kind of their own, so that tables may hold both."""
        device = self.hardware.get("device")
        if not device:
            return self.metrics
        return {name: m.model_copy(update={"kind": f"{m.kind} on {device}"}) for name, m in self.metrics.items()}


class CellMetrics(BaseModel):
    """`data`: sha256 of the manifest of the data that the model was trained on."""

    condition: str
    replicated: bool = True
    data: str | None = None
    status: Literal["ok", "diverged"]
    diverged: Divergence | None = None
    metrics: dict[str, Measurement]


def read(params: Params) -> list[Outcome]:
    """The outcome of each cell of the suites that are shown (`shown`), of what was measured in this folder.

    Raises:
        UserError: nothing is measured yet, or a cell's file is damaged.
    """
    return selected(params, every(params))


def every(params: Params) -> list[Outcome]:
    """The outcome of each cell, in the order of `params.cells`.

    Raises:
        UserError: a cell's file is damaged.
    """
    swept = set(params.sweeps)
    return [_outcome(params, cell, swept=cell in swept) for cell in params.cells]


def selected(params: Params, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Those of the suites that are shown.

    Raises:
        UserError: nothing is measured yet.
    """
    if all(o.status == "failed" for o in outcomes):
        raise UserError(f"no cell of {paths.PARAMS} is measured; run: coverseek run")
    of_suites = {cell for suite in shown(params, outcomes).values() for cell in suite.cells()}
    return [outcome for outcome in outcomes if outcome.cell in of_suites]


def shown(params: Params, outcomes: Iterable[Outcome]) -> dict[str, Suite]:
    """The default suites, and each other suite once a cell of its own has run.

    Its own cells are those that no other suite selects; without such cells, those that no default suite selects;
    without these, all.
    """
    selected = Counter(cell for suite in params.suites.values() for cell in {*suite.cells()})
    default = {cell for suite in params.selected().values() for cell in suite.cells()}
    ran = {o.cell for o in outcomes if o.status != "failed"}

    def own(suite: Suite) -> set[Cell]:
        cells = {*suite.cells()}
        return {cell for cell in cells if selected[cell] == 1} or cells - default or cells

    return {name: suite for name, suite in params.suites.items() if suite.default or ran & own(suite)}


def _complete(cell: Cell) -> bool:
    written = (paths.times("train", cell), paths.times("evaluate", cell), paths.samples(cell), paths.metrics(cell))
    return all(path.exists() for path in written)


def _outcome(params: Params, cell: Cell, swept: bool) -> Outcome:
    family = params.model(params.task_events[cell.task], cell.model).family
    if not _complete(cell):
        return Outcome(cell=cell, family=family, status="failed")
    record = _parse(CellMetrics, paths.metrics(cell), cell, "evaluate")
    times = [_parse(Times, paths.times(stage, cell), cell, stage) for stage in ("train", "evaluate")]
    status: Status = record.status
    data = split(cell.task)
    if record.data not in (None, files.sha256(paths.prepared(cell.task) / "manifest.json")):
        status = "stale"
    sweep = _sweep(cell) if swept else None
    metrics = record.metrics | times[0].by_device() | times[1].by_device() | _of(sweep) | _convergence(cell)
    return Outcome(
        cell=cell,
        family=family,
        condition=record.condition,
        status=status,
        diverged=record.diverged,
        metrics=metrics if status == "ok" else {},
        hardware=times[0].hardware,
        knob=sweep.knob if sweep else "",
        turns=sweep.turns if sweep else (),
        validation=sweep.validation if sweep else (),
        data=data,
        replicated=record.replicated,
        lock=files.md5(paths.metrics(cell))[:LOCK_DIGITS],
    )


def _sweep(cell: Cell) -> Sweep | None:
    """None where the knob is not turned yet, or the model diverged."""
    path = paths.sweep(cell)
    found = _parse(Sweep, path, cell, "sweep") if path.exists() else None
    return found if found and found.turns else None


def _of(swept: Sweep | None) -> dict[str, Measurement]:
    if swept is None or swept.best is None:
        return {}
    protocol = f"{swept.protocol}, at each setting of its knob"

    def metric(value: float, unit: str, better: Better) -> Measurement:
        return Measurement(value=value, unit=unit, better=better, kind="estimate", protocol=protocol)

    return {"knob_area": metric(swept.area, "share", "higher"), "knob_best": metric(swept.best, swept.knob, "none")}


def _convergence(cell: Cell) -> dict[str, Measurement]:
    """Empty where convergence is not decided."""
    return {
        criterion.metric: Measurement(
            value=min(value, LARGEST), unit=criterion.unit, better="none", kind="estimate", protocol=criterion.protocol
        )
        for criterion, value in convergence.measured(cell)
    }


Schema = TypeVar("Schema", bound=BaseModel)


def _parse(schema: type[Schema], path: Path, cell: Cell, stage: str) -> Schema:
    return parse(schema, path, f"coverseek {stage} --task {cell.task} --model {cell.model} --seed {cell.seed}")


def parse(schema: type[Schema], path: Path, hint: str) -> Schema:
    """Raises `UserError`, naming the command that repairs it, where the file is missing or does not fit the schema."""
    return files.read_record(path, hint, schema)
