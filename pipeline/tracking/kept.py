"""A cell's run as a store keeps it, and the record that it tells."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pipeline.history.record import Number, Origin, Record, Turn
from pipeline.results.protocol import Protocol
from pipeline.tracking import limits
from pipeline.tracking.stored import DEFINITION, PREFIX, TURN, TURNS

_INTEGER = re.compile(r"-?[0-9]{1,18}")
TAGS = ("task", "model", "family", "seed", "status", "protocols", "git.rev", "dvc.lock", TURNS)
"""What a record is made of, with the tags that begin with `TURN`."""


class Kept(NamedTuple):
    """One run. `start`: ms since 1970; `metrics`: the last value of each that was asked for."""

    start: int
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Mapping[str, float]


class Definitions:
    """What the protocol ids of a store stand for, and what of its tags could not be read.

    Args:
        tags: experiment's name -> its tags.
    """

    def __init__(self, tags: Mapping[str, Mapping[str, str]]) -> None:
        self.damaged: list[str] = []
        """`tag of run` for each tag that is cut or damaged otherwise."""
        self._fields: dict[tuple[str, str], dict[str, Any]] = {}
        for experiment, of in tags.items():
            for key, value in of.items():
                if key.startswith(DEFINITION):
                    self._define(experiment.removeprefix(PREFIX), key.removeprefix(DEFINITION), value)

    @property
    def tasks(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(task for task, _ in self._fields))

    @property
    def metrics(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(fields["metric"] for fields in self._fields.values()))

    def number(self, task: str, identity: str, value: float) -> Number:
        fields = self._fields[task, identity]
        return Number(value, fields["better"], Protocol(*(fields[name] for name in Protocol._fields)))

    def holds(self, task: str, identity: object) -> bool:
        return (task, identity) in self._fields

    def _define(self, task: str, identity: str, value: str) -> None:
        fields = limits.read_object(value)
        if fields is None or not fields.keys() >= {"better", *Protocol._fields}:
            self.damaged.append(f"{DEFINITION}{identity} of {task}")
        else:
            self._fields[task, identity] = fields


def records(runs: Iterable[Kept], definitions: Definitions, place: str) -> list[Record]:
    """The records that runs hold. Damaged tags are read as far as they are sound, and named in one line on stderr.

    Args:
        place: the store, as it is printed.
    """
    found = [made for run in runs if (made := record(run, definitions)) is not None]
    if damaged := definitions.damaged:
        more = f" and {len(damaged) - 1} more" if len(damaged) > 1 else ""
        print(
            f"coverseek: warning: tag {damaged[0]}{more} in MLflow at {place} is damaged: read as far as it is sound",
            file=sys.stderr,
        )
    return found


def record(run: Kept, definitions: Definitions) -> Record | None:
    """None where the tags that name the cell are missing or damaged.

    A number without an id was published before there were any, and is left out: nothing says what defined it.
    """
    tags = run.tags
    name = f"{tags.get('task', '?')}-{tags.get('model', '?')}-{tags.get('seed', '?')}"
    if not tags.keys() >= {"task", "model", "family", "seed", "status"} or not _INTEGER.fullmatch(tags["seed"]):
        definitions.damaged.append(f"task, model, family, seed or status of {name}")
        return None
    task, ids = tags["task"], limits.read_object(tags.get("protocols", "{}"))
    if ids is None:
        definitions.damaged.append(f"protocols of {name}")
        ids = {}
    numbers = {
        metric: definitions.number(task, ids[metric], value)
        for metric, value in run.metrics.items()
        if isinstance(ids.get(metric), str) and definitions.holds(task, ids[metric])
    }
    turns, damaged = _turns(run)
    definitions.damaged += [f"{key} of {name}" for key in damaged]
    return Record(task, tags["model"], tags["family"], int(tags["seed"]), tags["status"], numbers, run.params, turns)


def _turns(run: Kept) -> tuple[tuple[Turn, ...], list[str]]:
    """The turns in the order of time, and the tags that are damaged."""
    old, sound = limits.read_objects(run.tags.get(TURNS, "[]"))
    damaged = [] if sound else [TURNS]
    turns = [Turn(_origin(run.start, run.tags), True)]
    numbered = [(key, limits.read_object(run.tags[key])) for key in sorted(run.tags) if key.startswith(TURN)]
    for key, fields in [*((TURNS, fields) for fields in old), *numbered]:
        if fields is None or not isinstance(fields.get("time"), int) or not isinstance(fields.get("current"), bool):
            damaged.append(key)
        else:
            turns.append(Turn(_origin(fields["time"], fields), fields["current"]))
    return tuple(turns), damaged


def _origin(time: int, fields: Mapping[str, Any]) -> Origin:
    return Origin(time, str(fields.get("git.rev", "unknown")), str(fields.get("dvc.lock", "unknown")))
