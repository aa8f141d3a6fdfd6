"""A cell's run as a store keeps it, and the record that it tells."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pipeline.history.record import Number, Origin, Record, Turn
from pipeline.report.protocol import Protocol
from pipeline.tracking.stored import DEFINITION, PREFIX, TURNS

TAGS = ("task", "model", "family", "seed", "status", "protocols", "git.rev", "dvc.lock", TURNS)
"""What a record is made of."""


class Kept(NamedTuple):
    """One run. `start`: ms since 1970; `metrics`: the last value of each that was asked for."""

    start: int
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Mapping[str, float]


class Definitions:
    """What the protocol ids of a store stand for. `tags`: experiment's name -> its tags."""

    def __init__(self, tags: Mapping[str, Mapping[str, str]]) -> None:
        self._fields: dict[tuple[str, str], dict[str, Any]] = {
            (experiment.removeprefix(PREFIX), key.removeprefix(DEFINITION)): json.loads(value)
            for experiment, of in tags.items()
            for key, value in of.items()
            if key.startswith(DEFINITION)
        }

    @property
    def tasks(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(task for task, _ in self._fields))

    @property
    def metrics(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(fields["metric"] for fields in self._fields.values()))

    def number(self, task: str, identity: str, value: float) -> Number:
        fields = self._fields[task, identity]
        return Number(value, fields["better"], Protocol(*(fields[name] for name in Protocol._fields)))

    def holds(self, task: str, identity: str) -> bool:
        return (task, identity) in self._fields


def record(run: Kept, definitions: Definitions) -> Record:
    """A number without an id was published before there were any, and is left out: nothing says what defined it."""
    tags, ids = run.tags, json.loads(run.tags.get("protocols", "{}"))
    task = tags["task"]
    numbers = {
        metric: definitions.number(task, ids[metric], value)
        for metric, value in run.metrics.items()
        if definitions.holds(task, ids.get(metric, ""))
    }
    turns = tuple(_turns(run))
    return Record(task, tags["model"], tags["family"], int(tags["seed"]), tags["status"], numbers, run.params, turns)


def _turns(run: Kept) -> Iterator[Turn]:
    yield Turn(_origin(run.start, run.tags), True)
    for turn in json.loads(run.tags.get(TURNS, "[]")):
        yield Turn(_origin(turn["time"], turn), turn["current"])


def _origin(time: int, told: Mapping[str, str]) -> Origin:
    return Origin(time, told.get("git.rev", "unknown"), told.get("dvc.lock", "unknown"))
