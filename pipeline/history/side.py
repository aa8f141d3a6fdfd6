"""One side of a comparison: every model's numbers by seed, as results.csv has them or as runs tell."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from pipeline.errors import UserError
from pipeline.history.record import Record
from pipeline.metrics.interval import Interval
from pipeline.report.protocol import Protocol

COLUMNS = {"task", "model", "seed", "metric", "value", "better", "kind", "protocol"}
"""What every results.csv has had; those of older revisions lack split and version."""


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
    rows = csv.DictReader(io.StringIO(results))
    if not set(rows.fieldnames or ()) >= COLUMNS:
        raise UserError(f"results.csv of {name} is damaged: it lacks columns; make it again with: coverseek report")
    numbers: dict[Key, Numbers] = {}
    for row in rows:
        try:
            _add(numbers, row)
        except ValueError as error:
            raise UserError(f"results.csv of {name} is damaged ({error}); make it with: coverseek report") from None
    standings = csv.DictReader(io.StringIO(leaderboard))
    return Side(name, numbers, {(r["task"], r["model"]): r["status"] for r in standings if r["status"] != "ok"})


def from_records(name: str, records: Iterable[Record]) -> Side:
    numbers: dict[Key, Numbers] = {}
    for record in records:
        for metric, number in record.numbers.items():
            known = Numbers(number.better, number.protocol)
            of = numbers.setdefault(Key(record.task, record.model, metric), known)
            of.seeds[record.seed] = number.value
    return Side(name, numbers)


def _add(numbers: dict[Key, Numbers], row: Mapping[str, str]) -> None:
    version = row.get("version") or None
    known = Protocol(row["metric"], row["kind"], row["protocol"], row.get("split") or None, version and int(version))
    of = numbers.setdefault(Key(row["task"], row["model"], row["metric"]), Numbers(row["better"], known))
    seed, value = int(row["seed"]), float(row["value"])
    of.seeds[seed] = value
    low, high = row.get("sampling_low"), row.get("sampling_high")
    if low and high:
        of.sampled[seed] = Interval(value, float(low), float(high), 1)
