"""The standings of one task and metric after each publication, replayed from the records of its cells.

A model stands there with the mean over its seeds once all of them are measured. Its place counts the models before it,
of the same protocol for each kind of number: the newest one reigns, and what still has an older one waits without a
place. As on the report's board, controls do not compete, nor do bounds that flatter.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from pipeline.history.record import Number, Origin, Record, Turn
from pipeline.results.column import column, flatters
from pipeline.results.protocol import Protocol
from pipeline.statistics.intervals import Interval, student_t


@dataclass(frozen=True)
class Standing:
    """One model. `interval`: Student's t over its seeds; `since`: the publication that last changed one of its cells;
    `place`: None where it is not ranked."""

    model: str
    family: str
    interval: Interval
    protocol: Protocol
    params: Mapping[str, str]
    since: Origin
    place: int | None = None


@dataclass(frozen=True)
class Snapshot:
    """After one publication: models by place, then those without one."""

    origin: Origin
    standings: Mapping[str, Standing] = field(default_factory=dict)

    @property
    def reigning(self) -> dict[str | None, Protocol]:
        """Kind -> the protocol under which its numbers are ranked."""
        return _reigning(self.standings.values())


def replay(records: Iterable[Record], metric: str) -> Iterator[Snapshot]:
    """Records of one task -> a snapshot for each publication, the oldest first."""
    live: dict[str, dict[int, tuple[Record, Origin]]] = {}
    standings: dict[str, Standing] = {}
    for origin, turns in _publications(records):
        for record, turn in turns:
            _turn(live.setdefault(record.model, {}), record, turn)
        for model in dict.fromkeys(record.model for record, _ in turns):
            standings.pop(model, None)
            if standing := _standing(list(live[model].values()), metric):
                standings[model] = standing
        yield Snapshot(origin, _placed(standings, _better(live.values(), metric)))


def _publications(records: Iterable[Record]) -> Iterator[tuple[Origin, list[tuple[Record, Turn]]]]:
    turns = [(record, turn) for record in records for turn in record.turns]
    turns.sort(key=lambda pair: (pair[1].origin.time, pair[1].origin.key))
    for _, group in groupby(turns, key=lambda pair: pair[1].origin.key):
        of = list(group)
        yield of[0][1].origin, of


def _turn(seeds: dict[int, tuple[Record, Origin]], record: Record, turn: Turn) -> None:
    """A record that comes takes its cell; one that goes leaves it, unless another has taken it already."""
    if turn.current:
        seeds[record.seed] = record, turn.origin
    elif record.seed in seeds and seeds[record.seed][0] is record:
        del seeds[record.seed]


def _standing(seeds: Sequence[tuple[Record, Origin]], metric: str) -> Standing | None:
    """None where the model does not compete: a control, a seed that diverged or has no such number, no seed left."""
    records = [record for record, _ in seeds]
    if not all(r.status == "ok" and r.family != "control" and metric in r.numbers for r in records) or not records:
        return None
    numbers = [record.numbers[metric] for record in records]
    values = [number.value for number in numbers]
    interval = student_t(values, log=column(metric).log and min(values) > 0)
    last, since = max(seeds, key=lambda pair: pair[1].time)
    params = {key: value for key, value in records[0].params.items() if key != "seed"}
    protocol = last.numbers[metric].protocol
    return None if _mixed(numbers) else Standing(last.model, last.family, interval, protocol, params, since)


def _mixed(numbers: Sequence[Number]) -> bool:
    return len({number.protocol for number in numbers}) > 1


def _better(live: Iterable[Mapping[int, tuple[Record, Origin]]], metric: str) -> str:
    records = (record for seeds in live for record, _ in seeds.values())
    return next((record.numbers[metric].better for record in records if metric in record.numbers), "none")


def _placed(standings: Mapping[str, Standing], better: str) -> dict[str, Standing]:
    sign = -1 if better == "higher" else 1
    ordered = sorted(standings.values(), key=lambda s: (sign * s.interval.mean, s.model))
    reigning = _reigning(ordered)
    ranked = [s for s in ordered if _ranked(s, reigning, better)]
    places = {s.model: place for place, s in enumerate(ranked, start=1)}
    ordered.sort(key=lambda s: places.get(s.model, math.inf))
    return {s.model: replace(s, place=places.get(s.model)) for s in ordered}


def _ranked(standing: Standing, reigning: Mapping[str | None, Protocol], better: str) -> bool:
    kind = standing.protocol.kind
    return better != "none" and standing.protocol == reigning[kind] and not flatters(kind or "", better)


def _reigning(standings: Iterable[Standing]) -> dict[str | None, Protocol]:
    return {s.protocol.kind: s.protocol for s in sorted(standings, key=lambda s: s.since.time)}
