"""The runs of a store that is a database, read from mlflow's tables: through its objects 10,000 runs take 20 s.

Columns are named as mlflow 3 names them. A database that has others is read through mlflow instead.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, Select, TableClause, column, create_engine, select, table

from pipeline.tracking.kept import TAGS, Definitions, Kept
from pipeline.tracking.stored import PREFIX, TURN, WRITTEN

RUNS = table("runs", *map(column, ("run_uuid", "experiment_id", "start_time", "lifecycle_stage", "status")))
EXPERIMENTS = table("experiments", *map(column, ("experiment_id", "name", "lifecycle_stage")))
EXPERIMENT_TAGS = table("experiment_tags", *map(column, ("experiment_id", "key", "value")))
TAG, PARAM, METRIC = (
    table(name, *map(column, ("run_uuid", "key", "value"))) for name in ("tags", "params", "latest_metrics")
)


class Tables:
    """The database behind a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def definitions(self) -> Definitions:
        same = EXPERIMENTS.c.experiment_id == EXPERIMENT_TAGS.c.experiment_id
        query = select(EXPERIMENTS.c.name, EXPERIMENT_TAGS.c.key, EXPERIMENT_TAGS.c.value).where(same)
        ours = (EXPERIMENTS.c.lifecycle_stage == "active") & EXPERIMENTS.c.name.startswith(PREFIX)
        tags: dict[str, dict[str, str]] = defaultdict(dict)
        for row in self._connection.execute(query.where(ours)):
            tags[row.name][row.key] = row.value
        return Definitions(tags)

    def runs(self, tasks: Iterable[str], metrics: Sequence[str]) -> Iterator[Kept]:
        """The cells' runs of these tasks that are whole, the oldest first."""
        cells = _cells([PREFIX + task for task in tasks])
        tags, params, numbers = (
            self._read(of, cells, keys) for of, keys in ((TAG, TAGS), (PARAM, None), (METRIC, metrics))
        )
        for row in self._connection.execute(cells.order_by(RUNS.c.start_time, RUNS.c.run_uuid)):
            run = row.run_uuid
            yield Kept(row.start_time, tags[run], params[run], {key: float(v) for key, v in numbers[run].items()})

    def _read(
        self, of: TableClause, cells: Select[tuple[str, int]], keys: Sequence[str] | None
    ) -> dict[str, dict[str, str]]:
        """Run -> key -> value."""
        wanted = of.c.run_uuid.in_(cells.with_only_columns(RUNS.c.run_uuid))
        query = select(of.c.run_uuid, of.c.key, of.c.value).where(wanted)
        found: dict[str, dict[str, str]] = defaultdict(dict)
        if keys is not None:
            listed = of.c.key.in_(keys)
            query = query.where(listed | of.c.key.startswith(TURN) if of is TAG else listed)
        for run, key, value in self._connection.execute(query):
            found[run][key] = value
        return found


@contextmanager
def opened(address: str) -> Iterator[Tables]:
    """Raises sqlalchemy's errors; ArgumentError where the address is not that of a database."""
    engine = create_engine(address)
    try:
        with engine.connect() as connection:
            yield Tables(connection)
    finally:
        engine.dispose()


def _cells(experiments: Sequence[str]) -> Select[tuple[str, int]]:
    ids = select(EXPERIMENTS.c.experiment_id).where(EXPERIMENTS.c.name.in_(experiments))
    kind = (TAG.c.key == "kind") & (TAG.c.value == "cell")
    found = select(RUNS.c.run_uuid, RUNS.c.start_time).join_from(RUNS, TAG, RUNS.c.run_uuid == TAG.c.run_uuid)
    whole = RUNS.c.lifecycle_stage == "active", RUNS.c.status.in_(WRITTEN)
    return found.where(kind, RUNS.c.experiment_id.in_(ids), *whole)
