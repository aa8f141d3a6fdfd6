"""`coverseek leaderboard --history`: standings, champions and changes, from the results committed to git."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from pipeline import paths
from pipeline.errors import UserError, suggest
from pipeline.history import result_set, revisions
from pipeline.history.metric_history import (
    Change,
    MetricHistory,
    NumberChange,
    PlaceChange,
    Point,
    RankedModel,
    histories,
)
from pipeline.history.revisions import Commit
from pipeline.results.column import DASH, LIKELIHOODS, bound, column
from pipeline.stages.titled_table import TitledTable, as_markdown, show

ORDERING = (*LIKELIHOODS, "frechet")
"""The metrics of the history unless one is named: those that order the rows of the report."""
ARROW = " → "
CAUSES = (
    "protocol: what defines the number changed, so that nothing is known about the model; model: everything else. "
    "A place that changed is attributed to the changed numbers of the model and of those that it changed sides with."
)
MEANS = "Means over training seeds with Student's 95 % t interval; a place is the order of the means alone."


def main(task: str | None, metric: str | None, history: bool, form: str) -> None:
    """Print one task or all, one metric or those that order the rows.

    Args:
        history: also what changed; else the standings alone.
        form: "table", "markdown" or "json".

    Raises:
        UserError: no results are committed or in the work tree, or they hold no such task or metric.
    """
    points = read(everything=history)
    keys = [key for point in points for key in point.results.numbers]
    for kind, word in (("task", task), ("metric", metric)):
        allowed = dict.fromkeys(getattr(key, kind) for key in keys)
        if word is not None and word not in allowed:
            raise UserError(f"{kind} {word!r} is not in {paths.RESULTS}; {suggest(word, allowed)}")
    found = histories(points, [metric] if metric else ORDERING, task)
    if form == "json":
        print(json.dumps({"history": [as_json(one, history) for one in found]}, indent=2, allow_nan=False))
    elif form == "markdown":
        print(as_markdown(tables(found, history)), end="")
    else:
        show(tables(found, history))


def read(everything: bool) -> list[Point]:
    """The results of each commit that changed them, the oldest first; then those of the work tree, if they differ.

    Commits of which the results cannot be read are left out.

    Args:
        everything: else the newest results alone.

    Raises:
        UserError: there are none.
    """
    points = [_uncommitted()] if _has_changed() else []
    for commit in reversed(revisions.commits(paths.RESULTS)):
        if points and not everything:
            break
        try:
            points.insert(0, Point(commit, result_set.from_commit(commit.id[:8], commit.id)))
        except UserError:
            continue
    return points or [_uncommitted()]


def _has_changed() -> bool:
    if not paths.RESULTS.exists():
        return False
    return revisions.text_at("HEAD", paths.RESULTS) != paths.RESULTS.read_text(encoding="utf-8")


def _uncommitted() -> Point:
    results = result_set.work_tree()
    return Point(Commit("", int(paths.RESULTS.stat().st_mtime)), results)


def tables(found: Sequence[MetricHistory], history: bool) -> Iterator[TitledTable]:
    """The tables of each task and metric; of the last standings alone unless `history`."""
    for one in found:
        yield _standings(one)
        if history:
            yield _champions(one)
            yield _changes(one)
    yield TitledTable("How to read this", (), f"{MEANS} {CAUSES}" if history else MEANS)


def as_json(one: MetricHistory, history: bool) -> dict[str, Any]:
    content: dict[str, Any] = {"task": one.task, "metric": one.metric, "standings": [_full(s) for s in one.standings]}
    if history:
        content["champions"] = [
            {"model": p.model, "mean": p.mean, "cause": p.cause, "since": _commit(p.since)} for p in one.champions
        ]
        content["changes"] = [_full_change(each) for each in one.changes]
    return content


def _standings(one: MetricHistory) -> TitledTable:
    rows = [
        (_place(s.place), s.model, s.family, _spread(s, one.metric), str(s.interval.n), bound(s.protocol.kind),
         s.protocol.id, *_when(s.since))
        for s in one.standings
    ]  # fmt: skip
    titles = ("place", "model", "family", column(one.metric).title, "seeds", "kind", "protocol", "when", "commit")
    return TitledTable.from_rows(f"{one.task}: {column(one.metric).title}", titles, rows)


def _champions(one: MetricHistory) -> TitledTable:
    rows = [(*_when(p.since), p.model, column(one.metric).text(p.mean), p.cause or DASH) for p in one.champions]
    titles = ("when", "commit", "model", column(one.metric).title, "cause")
    return TitledTable.from_rows(f"{one.task}: champions in {column(one.metric).title}", titles, rows)


def _changes(one: MetricHistory) -> TitledTable:
    rows = [row for each in one.changes for row in _rows(each, one.metric)]
    titles = ("when", "commit", "model", "place", column(one.metric).title, "cause", "changed")
    note = "" if rows else "Nothing changed since the first commit."
    return TitledTable.from_rows(f"{one.task}: changes in {column(one.metric).title}", titles, rows, note)


def _rows(each: Change, metric: str) -> Iterator[tuple[str, ...]]:
    """A row for each model whose number or place changed."""
    numbers, places = {n.model: n for n in each.numbers}, {p.model: p for p in each.places}
    for model in dict.fromkeys((*numbers, *places)):
        number, moved = numbers.get(model), places.get(model)
        place = f"{_place(moved.before)}{ARROW}{_place(moved.after)}" if moved else DASH
        if number:
            values = f"{_spread(number.before, metric)}{ARROW}{_spread(number.after, metric)}"
            changed = _settings(each, number)
            text = ", ".join(f"{key} {a or DASH}{ARROW}{b or DASH}" for key, (a, b) in changed.items())
            yield *_when(each.commit), model, place, values, _cause(number), text
        elif moved:
            yield *_when(each.commit), model, place, DASH, _others(moved), ""


def _settings(each: Change, number: NumberChange) -> dict[str, tuple[str | None, str | None]]:
    """The number of seeds and the keys of params.yaml that differ, with both values; of a model that stayed."""
    if not (number.before and number.after):
        return {}
    a, b = (
        {**revisions.model_settings(commit.id, number.model), "seeds": str(standing.interval.n)}
        for commit, standing in ((each.before, number.before), (each.commit, number.after))
    )
    return {key: (a.get(key), b.get(key)) for key in sorted(a.keys() | b.keys()) if a.get(key) != b.get(key)}


def _cause(number: NumberChange) -> str:
    """'protocol (split)'"""
    return f"{number.cause} ({', '.join(number.fields)})" if number.fields else number.cause


def _others(moved: PlaceChange) -> str:
    """'model, of gan, vae'"""
    return f"{moved.cause}, of {', '.join(moved.by)}" if moved.by else moved.cause


def _spread(standing: RankedModel | None, metric: str) -> str:
    if standing is None:
        return DASH
    interval = standing.interval
    return column(metric).spread(interval.mean, interval.low, interval.high, column(metric).log)


def _place(place: int | None) -> str:
    return DASH if place is None else str(place)


def _when(commit: Commit) -> tuple[str, str]:
    """Day and commit."""
    return f"{datetime.fromtimestamp(commit.time, UTC):%Y-%m-%d}", commit.id[:8] or "work tree"


def _full(standing: RankedModel) -> dict[str, Any]:
    interval, protocol = standing.interval, standing.protocol
    return {
        "place": standing.place, "model": standing.model, "family": standing.family,
        "mean": interval.mean, "low": interval.low, "high": interval.high, "seeds": interval.n,
        "protocol": protocol._asdict() | {"id": protocol.id}, "since": _commit(standing.since),
    }  # fmt: skip


def _full_change(each: Change) -> dict[str, Any]:
    jumps = [
        {"model": n.model, "cause": n.cause, "fields": n.fields, "params": _settings(each, n)}
        | {"before": n.before and _full(n.before), "after": n.after and _full(n.after)}
        for n in each.numbers
    ]
    moves = [
        {"model": p.model, "before": p.before, "after": p.after, "by": p.by, "cause": p.cause} for p in each.places
    ]
    return {**_commit(each.commit), "jumps": jumps, "moves": moves}


def _commit(commit: Commit) -> dict[str, str]:
    return {"time": datetime.fromtimestamp(commit.time, UTC).isoformat(timespec="seconds"), "commit": commit.id}
