"""A chronicle in words: its standings, its champions, and what changed when and by what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from pipeline.history.change import Change, Jump, Move
from pipeline.history.chronicle import Chronicle
from pipeline.history.record import Origin
from pipeline.history.replay import Standing
from pipeline.history.sheet import Sheet
from pipeline.results.column import DASH, bound, column
from pipeline.statistics.intervals import Interval

ARROW = " → "
CAUSES = (
    "protocol: what defines the number changed, so that nothing is known about the model; model: everything else. "
    "A place is put down to the jumps of the model and of those that it changed sides with."
)
MEANS = "Means over training seeds with Student's 95 % t interval; a place is the order of the means alone."


def sheets(chronicles: Sequence[Chronicle], history: bool) -> Iterator[Sheet]:
    """The tables of each task and metric; of the last standings alone unless `history`."""
    for one in chronicles:
        yield _standings(one)
        if history:
            yield _champions(one)
            yield _changes(one)
    yield Sheet("How to read this", (), f"{MEANS} {CAUSES}" if history else MEANS)


def as_json(one: Chronicle, history: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"task": one.task, "metric": one.metric, "standings": [_full(s) for s in one.standings]}
    if history:
        told["champions"] = [
            {"model": r.model, "mean": r.mean, "cause": r.cause, "since": _origin(r.since)} for r in one.champions
        ]
        told["changes"] = [_change(each) for each in one.changes]
    return told


def when(origin: Origin) -> datetime:
    return datetime.fromtimestamp(origin.time / 1000, UTC)


def params(jump: Jump) -> str:
    """'hyper.width 64 → 128'"""
    return ", ".join(f"{key} {a or DASH}{ARROW}{b or DASH}" for key, (a, b) in jump.params.items())


def cause(jump: Jump) -> str:
    """'protocol (split)'"""
    return f"{jump.cause} ({', '.join(jump.fields)})" if jump.fields else jump.cause


def value(standing: Standing | None, metric: str) -> str:
    return DASH if standing is None else _spread(standing.interval, metric)


def _standings(one: Chronicle) -> Sheet:
    rows = [
        (_place(s.place), s.model, s.family, _spread(s.interval, one.metric), str(s.interval.n),
         bound(s.protocol.kind or ""), s.protocol.id, f"{when(s.since):%Y-%m-%d}", s.since.commit[:8])
        for s in one.standings
    ]  # fmt: skip
    titles = ("place", "model", "family", column(one.metric).title, "seeds", "kind", "protocol", "when", "commit")
    return _sheet(f"{one.task}: {column(one.metric).title}", titles, rows)


def _champions(one: Chronicle) -> Sheet:
    rows = [
        (f"{when(r.since):%Y-%m-%d}", r.since.commit[:8], r.model, column(one.metric).text(r.mean), r.cause or DASH)
        for r in one.champions
    ]
    titles = ("when", "commit", "model", column(one.metric).title, "cause")
    return _sheet(f"{one.task}: champions in {column(one.metric).title}", titles, rows)


def _changes(one: Chronicle) -> Sheet:
    rows = [row for each in one.changes for row in _rows(each, one.metric)]
    titles = ("when", "commit", "model", "place", column(one.metric).title, "cause", "changed")
    note = "" if rows else "Nothing changed since the first publication."
    return _sheet(f"{one.task}: changes in {column(one.metric).title}", titles, rows)._replace(note=note)


def _rows(each: Change, metric: str) -> Iterator[tuple[str, ...]]:
    """A row for each model whose number jumped or whose place changed."""
    jumps, moves = {j.model: j for j in each.jumps}, {m.model: m for m in each.moves}
    for model in dict.fromkeys((*jumps, *moves)):
        jump, move = jumps.get(model), moves.get(model)
        places = f"{_place(move.before)}{ARROW}{_place(move.after)}" if move else DASH
        values = f"{value(jump.before, metric)}{ARROW}{value(jump.after, metric)}" if jump else DASH
        by = cause(jump) if jump else _others(move) if move else ""
        day = f"{when(each.origin):%Y-%m-%d}"
        yield day, each.origin.commit[:8], model, places, values, by, params(jump) if jump else ""


def _others(move: Move) -> str:
    """'model, of gan, vae'"""
    return f"{move.cause}, of {', '.join(move.by)}" if move.by else move.cause


def _sheet(title: str, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> Sheet:
    return Sheet(title, [list(cells) for cells in zip(titles, *rows, strict=True)])


def _spread(interval: Interval, metric: str) -> str:
    return column(metric).spread(interval.mean, interval.low, interval.high, column(metric).log)


def _place(place: int | None) -> str:
    return DASH if place is None else str(place)


def _full(standing: Standing) -> dict[str, Any]:
    interval = standing.interval
    ends = {"mean": interval.mean, "low": interval.low, "high": interval.high, "seeds": interval.n}
    known = standing.protocol._asdict() | {"id": standing.protocol.id}
    who = {"place": standing.place, "model": standing.model, "family": standing.family}
    return who | ends | {"protocol": known, "since": _origin(standing.since)}


def _change(each: Change) -> dict[str, Any]:
    jumps = [
        {"model": j.model, "cause": j.cause, "fields": j.fields, "params": j.params}
        | {"before": j.before and _full(j.before), "after": j.after and _full(j.after)}
        for j in each.jumps
    ]
    moves = [{"model": m.model, "before": m.before, "after": m.after, "by": m.by, "cause": m.cause} for m in each.moves]
    return {**_origin(each.origin), "jumps": jumps, "moves": moves}


def _origin(origin: Origin) -> dict[str, str]:
    return {"time": when(origin).isoformat(timespec="seconds"), "commit": origin.commit, "lock": origin.lock}
