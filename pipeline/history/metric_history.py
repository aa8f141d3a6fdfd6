"""How the order of the models changed: result sets of one revision after another -> standings, changes, champions.

Models are ranked by the mean over their training seeds. A place is the order of the means among results under the
current protocol, one for each kind of number: the protocol of the result that changed last. A result under an older
protocol has no place; nor have controls, models of which a seed diverged or failed, and bounds that are optimistic.

A change is called `protocol` where what defines the number changed with it, for then nothing is known about the model;
else `model`. A place that changed is attributed to the changed numbers of the model itself and of those whose order
relative to it changed: to `model` only where none of these is `protocol` and what is ranked is defined as before.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, NamedTuple

from pipeline.history.result_set import Numbers, ResultSet
from pipeline.history.revisions import Commit
from pipeline.results.column import column, is_optimistic_bound
from pipeline.results.protocol import Protocol
from pipeline.statistics.intervals import Interval, student_t

Cause = Literal["protocol", "model"]
APART = ("control", "external")
"""Families that are not ranked: controls would win, and what was trained elsewhere has no revision here."""


class Point(NamedTuple):
    """The results at one commit."""

    commit: Commit
    results: ResultSet


@dataclass(frozen=True)
class RankedModel:
    """One model. `interval`: Student's t over its seeds, of the geometric mean where the metric is a distance; `since`:
    the commit that last changed it; `place`: None where it is not ranked."""

    model: str
    family: str
    interval: Interval
    protocol: Protocol
    since: Commit
    place: int | None = None

    def equals(self, other: RankedModel) -> bool:
        """Whether number and protocol are the same."""
        return self.interval == other.interval and not self.protocol.differing(other.protocol)


@dataclass(frozen=True)
class Snapshot:
    """The standings at one commit: models by place, then those without one."""

    commit: Commit
    standings: Mapping[str, RankedModel]

    @property
    def current(self) -> dict[str, Protocol]:
        """Kind -> the protocol under which its numbers are ranked."""
        return _current(self.standings.values())

    def place(self, model: str) -> int | None:
        return self.standings[model].place if model in self.standings else None


@dataclass(frozen=True)
class NumberChange:
    """A model's number that changed, came or went. `fields`: of the protocol that differ."""

    model: str
    before: RankedModel | None
    after: RankedModel | None
    fields: tuple[str, ...]

    @property
    def cause(self) -> Cause:
        return "protocol" if self.fields else "model"


@dataclass(frozen=True)
class PlaceChange:
    """A place that changed, None where there is none. `by`: the models whose numbers changed it."""

    model: str
    before: int | None
    after: int | None
    by: tuple[str, ...]
    cause: Cause


@dataclass(frozen=True)
class Change:
    """What one commit changed since the one `before` it."""

    before: Commit
    commit: Commit
    numbers: tuple[NumberChange, ...]
    places: tuple[PlaceChange, ...]


@dataclass(frozen=True)
class ChampionPeriod:
    """A model in the first place. `cause`: what put it there; None where it was there from the beginning."""

    model: str
    since: Commit
    mean: float
    cause: Cause | None


@dataclass(frozen=True)
class MetricHistory:
    """The history of one metric of a task. `standings`: the last ones, by place; `changes`, `champions`: in order of
    time."""

    task: str
    metric: str
    standings: tuple[RankedModel, ...]
    changes: tuple[Change, ...]
    champions: tuple[ChampionPeriod, ...]


def histories(points: Sequence[Point], metrics: Sequence[str], task: str | None = None) -> list[MetricHistory]:
    """One history for each task and metric that any of `points` has, tasks in order of appearance.

    Args:
        points: in order of time.
        task: one task only.
    """
    pairs = {(key.task, key.metric): None for point in points for key in point.results.numbers}
    tasks = dict.fromkeys(name for name, _ in pairs if task in (None, name))
    return [
        _history(name, metric, list(_snapshots(points, name, metric)))
        for name in tasks
        for metric in metrics
        if (name, metric) in pairs
    ]


def _history(task: str, metric: str, snapshots: Sequence[Snapshot]) -> MetricHistory:
    changes = [_change(before, after) for before, after in pairwise(snapshots)]
    last = tuple(snapshots[-1].standings.values())
    seen = tuple(change for change in changes if change.numbers or change.places)
    return MetricHistory(task, metric, last, seen, tuple(_champions(snapshots, changes)))


def _champions(snapshots: Sequence[Snapshot], changes: Sequence[Change]) -> Iterator[ChampionPeriod]:
    champion: str | None = None
    for snapshot, change in zip(snapshots, (None, *changes), strict=True):
        first = next((s for s in snapshot.standings.values() if s.place == 1), None)
        if first and first.model != champion:
            moved = next((p for p in change.places if p.model == first.model), None) if change else None
            yield ChampionPeriod(first.model, snapshot.commit, first.interval.mean, moved.cause if moved else None)
        champion = first.model if first else None


def _snapshots(points: Iterable[Point], task: str, metric: str) -> Iterator[Snapshot]:
    """From the first commit on that has the metric."""
    before: Mapping[str, RankedModel] = {}
    for commit, results in points:
        numbers = {key.model: of for key, of in results.numbers.items() if (key.task, key.metric) == (task, metric)}
        if not numbers and not before:
            continue
        better = next((of.better for of in numbers.values()), "none")
        standings = {
            model: _standing(model, of, commit, before.get(model), column(metric).log)
            for model, of in numbers.items()
            if of.family not in APART and (task, model) not in results.faults
        }
        before = _placed(standings, better)
        yield Snapshot(commit, before)


def _standing(model: str, of: Numbers, commit: Commit, before: RankedModel | None, log: bool) -> RankedModel:
    values = list(of.seeds.values())
    interval = student_t(values, log=log and min(values) > 0)
    new = RankedModel(model, of.family, interval, of.protocol, commit)
    return replace(new, since=before.since) if before and new.equals(before) else new


def _placed(standings: Mapping[str, RankedModel], better: str) -> dict[str, RankedModel]:
    sign = -1 if better == "higher" else 1
    ordered = sorted(standings.values(), key=lambda s: (sign * s.interval.mean, s.model))
    current = _current(ordered)
    ranked = [s for s in ordered if _is_ranked(s, current, better)]
    places = {s.model: place for place, s in enumerate(ranked, start=1)}
    ordered.sort(key=lambda s: places.get(s.model, math.inf))
    return {s.model: replace(s, place=places.get(s.model)) for s in ordered}


def _is_ranked(standing: RankedModel, current: Mapping[str, Protocol], better: str) -> bool:
    protocol = standing.protocol
    outdated = protocol.differing(current[protocol.kind])
    return better != "none" and not outdated and not is_optimistic_bound(protocol.kind, better)


def _current(standings: Iterable[RankedModel]) -> dict[str, Protocol]:
    return {s.protocol.kind: s.protocol for s in sorted(standings, key=lambda s: s.since.time)}


def _change(before: Snapshot, after: Snapshot) -> Change:
    models = dict.fromkeys((*after.standings, *before.standings))
    numbers = {model: change for model in models if (change := _number_change(model, before, after))}
    places = tuple(moved for model in models if (moved := _place_change(model, before, after, numbers)))
    return Change(before.commit, after.commit, tuple(numbers.values()), places)


def _number_change(model: str, before: Snapshot, after: Snapshot) -> NumberChange | None:
    """None where number and protocol are the same. A new model may bring a new protocol: its fields differ from the
    current ones."""
    was, now = before.standings.get(model), after.standings.get(model)
    if was and now and was.equals(now):
        return None
    protocol = was.protocol if was else now and before.current.get(now.protocol.kind)
    return NumberChange(model, was, now, protocol.differing(now.protocol) if protocol and now else ())


def _place_change(
    model: str, before: Snapshot, after: Snapshot, numbers: Mapping[str, NumberChange]
) -> PlaceChange | None:
    was, now = before.place(model), after.place(model)
    if was == now:
        return None
    by = [
        change for change in numbers.values() if change.model == model or _crossed(model, change.model, before, after)
    ]
    kinds = before.current.keys() & after.current.keys()
    redefined = any(before.current[kind].differing(after.current[kind]) for kind in kinds)
    protocol = redefined or any(change.cause == "protocol" for change in by)
    return PlaceChange(model, was, now, tuple(change.model for change in by), "protocol" if protocol else "model")


def _crossed(model: str, other: str, before: Snapshot, after: Snapshot) -> bool:
    return _is_ahead(model, other, before) != _is_ahead(model, other, after)


def _is_ahead(model: str, other: str, at: Snapshot) -> bool | None:
    """Whether the model has the better place; None where one of the two has none."""
    a, b = at.place(model), at.place(other)
    return None if a is None or b is None else a < b
