"""What a store remembers: the records of its cells. A database is read directly, a server is asked."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from pipeline.errors import UserError, suggest
from pipeline.history.record import Record
from pipeline.results.column import LIKELIHOODS
from pipeline.tracking import stored, tables
from pipeline.tracking.address import database, shown
from pipeline.tracking.kept import Definitions, Kept
from pipeline.tracking.kept import records as read_records


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
    _warn_of_missing(address)
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
    return read_records(runs, defined, shown(address))


def _warn_of_missing(address: str) -> None:
    """One line on stderr where runs were deleted in MLflow: means are over fewer seeds than were published."""
    held = stored.held(address)
    if missing := stored.counted(held, "missing"):
        place = shown(address)
        print(
            f"coverseek: warning: {missing} deleted in MLflow at {place}, means are without; run: coverseek publish",
            file=sys.stderr,
        )
