"""The numbers of one revision: every metric of every model by training seed, from its committed results.csv."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, NamedTuple, TypeVar

from pydantic import BaseModel, Field

from pipeline import files, paths
from pipeline.errors import UserError
from pipeline.history import revisions
from pipeline.results.outcomes import Better, Number
from pipeline.results.protocol import Protocol
from pipeline.statistics.intervals import Interval

Schema = TypeVar("Schema", bound=BaseModel)

WORK_TREE = "the work tree"


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
    family: str = ""
    split: str | None = None
    version: int | None = None
    sampling_low: Number | None = None
    sampling_high: Number | None = None


class ModelStatus(BaseModel):
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
    family: str = ""


@dataclass(frozen=True)
class ResultSet:
    """`name`: as the user called it; `faults`: (task, model) -> status of its seeds, where one diverged or failed."""

    name: str
    numbers: Mapping[Key, Numbers]
    faults: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def renamed(self, model: str) -> ResultSet:
        """With one name for its models, to be compared with those of another name."""
        return replace(self, numbers={key._replace(model=model): of for key, of in self.numbers.items()})


def work_tree() -> ResultSet:
    """The reports in the work tree, committed or not.

    Raises:
        UserError: there are none, or they are damaged.
    """
    if not paths.RESULTS.exists():
        raise UserError(f"{paths.RESULTS} is missing; make it with: coverseek report")
    leaderboard = files.read_utf8(paths.LEADERBOARD_CSV, "coverseek report") if paths.LEADERBOARD_CSV.exists() else ""
    return from_csv(WORK_TREE, files.read_utf8(paths.RESULTS, "coverseek report"), leaderboard)


def from_commit(name: str, commit: str) -> ResultSet:
    """The reports that a commit holds.

    Raises:
        UserError: it holds none, or they are damaged.
    """
    results = revisions.text_at(commit, paths.RESULTS)
    if not results:
        raise UserError(f"{name} ({commit[:8]}) holds no {paths.RESULTS}; see: git log -- {paths.RESULTS}")
    return from_csv(name, results, revisions.text_at(commit, paths.LEADERBOARD_CSV))


def from_csv(name: str, results: str, leaderboard: str) -> ResultSet:
    """From the text of results.csv, and of leaderboard.csv, which lists what diverged.

    Raises:
        UserError: it is no results.csv.
    """
    numbers: dict[Key, Numbers] = {}
    for row in _parse(Row, results, f"results.csv of {name}"):
        _add(numbers, row)
    statuses = _parse(ModelStatus, leaderboard, f"leaderboard.csv of {name}") if leaderboard else []
    return ResultSet(name, numbers, {(row.task, row.model): row.status for row in statuses if row.status != "ok"})


def _parse(schema: type[Schema], text: str, subject: str) -> list[Schema]:
    try:
        return files.parse_csv(text, schema)
    except ValueError as error:
        raise UserError(f"{subject} is damaged ({error}); make it again with: coverseek report") from None


def _add(numbers: dict[Key, Numbers], row: Row) -> None:
    protocol = Protocol(row.metric, row.kind, row.protocol, row.split, row.version)
    new = Numbers(row.better, protocol, family=row.family)
    of = numbers.setdefault(Key(row.task, row.model, row.metric), new)
    of.seeds[row.seed] = row.value
    if row.sampling_low is not None and row.sampling_high is not None:
        of.sampled[row.seed] = Interval(row.value, row.sampling_low, row.sampling_high, 1)
