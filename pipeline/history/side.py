"""One side of a comparison: every model's numbers by seed, as results.csv has them or as runs tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, NamedTuple, TypeVar

from pydantic import BaseModel, Field

from pipeline import files
from pipeline.errors import UserError
from pipeline.history.record import Record
from pipeline.results.outcomes import Better, Number
from pipeline.results.protocol import Protocol
from pipeline.statistics.intervals import Interval

Schema = TypeVar("Schema", bound=BaseModel)


class Row(BaseModel):
    """A row of results.csv; those of older revisions lack the optional columns."""

    task: str
    model: str
    seed: Annotated[int, Field(ge=0)]
    metric: str
    value: Number
    better: Better
    kind: str
    protocol: str
    split: str | None = None
    version: int | None = None
    sampling_low: Number | None = None
    sampling_high: Number | None = None


class Standing(BaseModel):
    """A row of leaderboard.csv, as far as a comparison reads it."""

    task: str
    model: str
    status: str


class Key(NamedTuple):
    task: str
    model: str
    metric: str


@dataclass(frozen=True)
class Numbers:
    """One metric of one model. `seeds`: training seed -> value; `sampled`: -> its sampling interval, where known."""

    better: str
    protocol: Protocol
    seeds: dict[int, float] = field(default_factory=dict)
    sampled: dict[int, Interval] = field(default_factory=dict)


@dataclass(frozen=True)
class Side:
    """`name`: as the user called it; `faults`: (task, model) -> what became of its seeds, where not all is well."""

    name: str
    numbers: Mapping[Key, Numbers]
    faults: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def renamed(self, model: str) -> Side:
        """With one name for its models, to be set against another one's."""
        return replace(self, numbers={key._replace(model=model): of for key, of in self.numbers.items()})


def from_csv(name: str, results: str, leaderboard: str) -> Side:
    """From the text of results.csv and of leaderboard.csv, which knows what diverged.

    Raises:
        UserError: it is no results.csv.
    """
    numbers: dict[Key, Numbers] = {}
    for row in _parsed(Row, results, f"results.csv of {name}"):
        _add(numbers, row)
    standings = _parsed(Standing, leaderboard, f"leaderboard.csv of {name}") if leaderboard else []
    return Side(name, numbers, {(row.task, row.model): row.status for row in standings if row.status != "ok"})


def _parsed(schema: type[Schema], text: str, subject: str) -> list[Schema]:
    try:
        return files.parse_csv(text, schema)
    except ValueError as error:
        raise UserError(f"{subject} is damaged ({error}); make it again with: coverseek report") from None


def from_records(name: str, records: Iterable[Record]) -> Side:
    numbers: dict[Key, Numbers] = {}
    for record in records:
        for metric, number in record.numbers.items():
            known = Numbers(number.better, number.protocol)
            of = numbers.setdefault(Key(record.task, record.model, metric), known)
            of.seeds[record.seed] = number.value
    return Side(name, numbers)


def _add(numbers: dict[Key, Numbers], row: Row) -> None:
    known = Protocol(row.metric, row.kind, row.protocol, row.split, row.version)
    of = numbers.setdefault(Key(row.task, row.model, row.metric), Numbers(row.better, known))
    of.seeds[row.seed] = row.value
    if row.sampling_low is not None and row.sampling_high is not None:
        of.sampled[row.seed] = Interval(row.value, row.sampling_low, row.sampling_high, 1)
