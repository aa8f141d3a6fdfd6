"""The record of a report: files in git from which an outcome is made again without its artifacts.

    results.csv    every number, one a row (`pipeline.results.table`)
    cells.csv      what became of each cell: status, where it diverged, its hardware, the hash of its metrics file
    knobs.csv      each setting of a knob, on the test and the validation split

Numbers have six significant digits there. A report is made of the numbers as recorded, also of cells measured in its
folder, so that the record alone gives the same report: `recorded(outcome)` is what `read()` gives back.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, Field, field_validator

from pipeline import files, paths
from pipeline.metrics.registry import version
from pipeline.paths import Cell
from pipeline.results.external import EXTERNAL
from pipeline.results.outcomes import Better, Divergence, Measurement, Number, Outcome, SweepPoint
from pipeline.results.table import compact

CELLS, KNOBS = (paths.RESULTS.with_name(f"{name}.csv") for name in ("cells", "knobs"))
ENDS = ("value", "low", "high")
POINT = ("setting", "precision", "recall", "frechet", "coverage", "obedience")
Split = Literal["test", "validation"]
SPLITS: Mapping[Split, str] = {"test": "turns", "validation": "validation"}
"""Split -> the field of an outcome."""
CONTROL = "control"
Seed = Annotated[int, Field(ge=0)]
Schema = TypeVar("Schema", bound=BaseModel)
Model = TypeVar("Model", Measurement, SweepPoint)


class NumberRow(BaseModel):
    """A row of results.csv. `split` and `version` are None in files of older versions."""

    task: str
    condition: str
    model: str
    family: str
    seed: Seed
    metric: str
    value: Number
    sampling_low: Number | None = None
    sampling_high: Number | None = None
    unit: str
    better: Better
    kind: str
    protocol: str
    split: str | None = None
    version: int | None = None


class CellRow(BaseModel):
    """A row of cells.csv. `step` and `player`: where it diverged; `hardware`: as json."""

    task: str
    model: str
    seed: Seed
    family: str
    condition: str = "none"
    status: Literal["ok", "diverged"]
    step: int | None = None
    player: str = ""
    knob: str = ""
    replicated: bool = True
    split: str | None = None
    lock: str = ""
    hardware: str = "{}"

    @property
    def known_hardware(self) -> dict[str, Any]:
        return dict(json.loads(self.hardware))

    @field_validator("hardware")
    @classmethod
    def _is_an_object(cls, text: str) -> str:
        if not isinstance(files.parse_json(text), dict):
            raise ValueError("it holds no json object")
        return text


class KnobRow(SweepPoint):
    """A row of knobs.csv."""

    task: str
    model: str
    seed: Seed
    split: Split


class Record(NamedTuple):
    """What the files hold.

    Attributes:
        outcomes: each cell with its numbers under today's versions of the metrics.
        other_version: the numbers under another version, which are left out.
    """

    outcomes: Mapping[Cell, Outcome]
    other_version: Sequence[tuple[Cell, str]]


def recorded(outcome: Outcome) -> Outcome:
    """The outcome with its numbers rounded as in the files."""
    metrics = {name: _rounded(metric, ENDS) for name, metric in outcome.metrics.items()}
    points = {field: tuple(_rounded(point, POINT) for point in getattr(outcome, field)) for field in SPLITS.values()}
    return outcome.model_copy(update={"metrics": metrics, **points})


def cells_csv(outcomes: Iterable[Outcome]) -> str:
    """The text of cells.csv: the cells that were measured or diverged."""
    return _csv(list(CellRow.model_fields), [_cell_row(o) for o in _own(outcomes)])


def knobs_csv(outcomes: Iterable[Outcome]) -> str:
    """The text of knobs.csv."""
    rows = [
        [*o.cell, split, *(_text(getattr(point, name)) for name in POINT)]
        for o in _own(outcomes)
        for split, field in SPLITS.items()
        for point in getattr(o, field)
    ]
    return _csv(["task", "model", "seed", "split", *POINT], rows)


def read() -> Record:
    """The record of the last report; empty where there is no results.csv.

    Of a cell that cells.csv lacks, the hardware is not known. Nor is it known whether the seeds of a control draw
    different samples: such a control gets no interval over seeds.

    Raises:
        UserError: a file is damaged.
    """
    rows = _rows(paths.RESULTS, NumberRow)
    numbers: dict[Cell, dict[str, Measurement]] = {}
    first: dict[Cell, NumberRow] = {}
    other: list[tuple[Cell, str]] = []
    for row in rows:
        cell = _cell(row)
        if row.family == EXTERNAL:
            continue
        first.setdefault(cell, row)
        if row.version == version(row.metric):
            numbers.setdefault(cell, {})[row.metric] = _measurement(row)
        else:
            other.append((cell, row.metric))
    described = {_cell(row): row for row in _rows(CELLS, CellRow)} if rows else {}
    points = _points(_rows(KNOBS, KnobRow)) if rows else {}
    found = {
        cell: _outcome(cell, described.get(cell) or _undescribed(first[cell]), numbers.get(cell, {}), points)
        for cell in {**first, **described}
    }
    return Record(found, other)


def _outcome(
    cell: Cell, row: CellRow, metrics: dict[str, Measurement], points: Mapping[tuple[Cell, Split], list[SweepPoint]]
) -> Outcome:
    diverged = None if row.step is None else Divergence(step=row.step, player=row.player)
    swept = {field: tuple(points.get((cell, split), ())) for split, field in SPLITS.items()}
    return Outcome(
        cell=cell, family=row.family, condition=row.condition, status=row.status, diverged=diverged, metrics=metrics,
        hardware=row.known_hardware, knob=row.knob, data=row.split, replicated=row.replicated, lock=row.lock,
        turns=swept["turns"], validation=swept["validation"],
    )  # fmt: skip


def _undescribed(row: NumberRow) -> CellRow:
    return CellRow(
        task=row.task, model=row.model, seed=row.seed, family=row.family, condition=row.condition, status="ok",
        split=row.split, replicated=row.family != CONTROL,
    )  # fmt: skip


def _measurement(row: NumberRow) -> Measurement:
    return Measurement(
        value=row.value, unit=row.unit, better=row.better, kind=row.kind, protocol=row.protocol, low=row.sampling_low,
        high=row.sampling_high,
    )  # fmt: skip


def _points(rows: Iterable[KnobRow]) -> dict[tuple[Cell, Split], list[SweepPoint]]:
    found: dict[tuple[Cell, Split], list[SweepPoint]] = {}
    for row in rows:
        point = SweepPoint(**{name: getattr(row, name) for name in POINT})
        found.setdefault((_cell(row), row.split), []).append(point)
    return found


def _cell(row: NumberRow | CellRow | KnobRow) -> Cell:
    return Cell(row.task, row.model, row.seed)


def _rows(path: Path, schema: type[Schema]) -> list[Schema]:
    """Empty where there is no file."""
    return files.read_csv(path, f"git show HEAD:{path}", schema) if path.exists() else []


def _cell_row(outcome: Outcome) -> list[str]:
    at = outcome.diverged
    return [
        *map(str, outcome.cell), outcome.family, outcome.condition, outcome.status,
        *(("", "") if at is None else (str(at.step), at.player)), outcome.knob,
        str(outcome.replicated).lower(), outcome.data or "", outcome.lock,
        json.dumps(outcome.hardware, sort_keys=True, ensure_ascii=False) if outcome.hardware else "",
    ]  # fmt: skip


def _own(outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    """The cells that were measured or diverged, without the external models."""
    return (o for o in outcomes if o.family != EXTERNAL and o.status in ("ok", "diverged"))


def _rounded(of: Model, names: Sequence[str]) -> Model:
    values = {name: getattr(of, name) for name in names}
    return of.model_copy(update={name: v if v is None else float(compact(v)) for name, v in values.items()})


def _text(value: float | None) -> str:
    return "" if value is None else compact(value)


def _csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    held = io.StringIO()
    writer = csv.writer(held, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return held.getvalue()
