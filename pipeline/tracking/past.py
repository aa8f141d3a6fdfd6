"""What a store remembers: the records of its cells. A database is read directly, a server is asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from pipeline.errors import UserError, suggest
from pipeline.history.record import Record
from pipeline.report.column import LIKELIHOODS
from pipeline.tracking import tables
from pipeline.tracking.kept import Definitions, Kept, record
from pipeline.tracking.stored import database, shown


class Source(Protocol):
    """Where runs are kept."""

    def definitions(self) -> Definitions: ...

    def runs(self, tasks: Iterable[str], metrics: Sequence[str]) -> Iterable[Kept]: ...


ORDERING = (*LIKELIHOODS, "frechet")
"""The metrics that are asked for unless one is named: those that order the rows of the report."""


def records(address: str, task: str | None = None, metric: str | None = None) -> list[Record]:
    """The records of one task or all, with one metric or those of `ORDERING`, the oldest first.

    Raises:
        UserError: the store cannot be used, or holds no such task or metric.
    """
    path = database(address)
    if path is not None and not path.exists():
        raise UserError(f"{path.name} is missing: nothing is published; run: coverseek publish")
    try:
        with tables.opened(address) as source:
            return _records(source, address, task, metric)
    except (SQLAlchemyError, ImportError):  # a server, or a database that mlflow knows more of: its shape, its driver
        from pipeline.tracking import remote  # imports mlflow: 3 s

        with remote.opened(address) as server:
            return _records(server, address, task, metric)


def _records(source: Source, address: str, task: str | None, metric: str | None) -> list[Record]:
    defined = source.definitions()
    if not defined.tasks:
        raise UserError(f"MLflow at {shown(address)} holds no number with a protocol id; run: coverseek publish")
    for kind, word, allowed in (("task", task, defined.tasks), ("metric", metric, defined.metrics)):
        if word is not None and word not in allowed:
            raise UserError(f"{kind} {word!r} is not in MLflow at {shown(address)}; {suggest(word, allowed)}")
    runs = source.runs([task] if task else defined.tasks, [metric] if metric else ORDERING)
    return [record(run, defined) for run in runs]
