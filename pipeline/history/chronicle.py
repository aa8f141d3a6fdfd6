"""The history of one task and metric: where the models stand, what changed when, and who was first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pipeline.history.change import Cause, Change, change
from pipeline.history.record import Origin, Record
from pipeline.history.replay import Snapshot, Standing, replay


@dataclass(frozen=True)
class Reign:
    """A champion. `cause`: what made it first; None where it was so from the beginning."""

    model: str
    since: Origin
    mean: float
    cause: Cause | None


@dataclass(frozen=True)
class Chronicle:
    """`standings`: the last ones, by place; `changes` and `champions`: the oldest first."""

    task: str
    metric: str
    standings: tuple[Standing, ...]
    changes: tuple[Change, ...]
    champions: tuple[Reign, ...]


def chronicles(records: Sequence[Record], metrics: Sequence[str]) -> list[Chronicle]:
    """One for each task and metric that any record has, in the order of the records and of `metrics`."""
    tasks: dict[str, list[Record]] = {}
    for record in records:
        tasks.setdefault(record.task, []).append(record)
    return [
        _chronicle(task, metric, list(replay(of, metric)))
        for task, of in tasks.items()
        for metric in metrics
        if any(metric in record.numbers for record in of)
    ]


def _chronicle(task: str, metric: str, snapshots: Sequence[Snapshot]) -> Chronicle:
    changes = [change(before, after) for before, after in pairwise(snapshots)]
    told = tuple(one for one in changes if one.jumps or one.moves)
    last = tuple(snapshots[-1].standings.values())
    return Chronicle(task, metric, last, told, tuple(_champions(snapshots, changes)))


def _champions(snapshots: Sequence[Snapshot], changes: Sequence[Change]) -> Iterator[Reign]:
    holder: str | None = None
    for snapshot, by in zip(snapshots, (None, *changes), strict=True):
        first = next((s for s in snapshot.standings.values() if s.place == 1), None)
        if first and first.model != holder:
            moved = next((m for m in by.moves if m.model == first.model), None) if by else None
            yield Reign(first.model, snapshot.origin, first.interval.mean, moved.cause if moved else None)
        holder = first.model if first else None
