"""What changed from one snapshot to the next, and by what.

A jump is a model's number that changed, came or went. It is called `protocol` where what defines the number changed
with it, for then nothing is known about the model; else `model`. A place that changed is put down to the jumps of the
model itself and of those that it changed sides with: `model` only where none of these is `protocol`, and where what is
ranked is defined as before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.history.record import Origin
from pipeline.history.replay import Snapshot, Standing

Cause = Literal["protocol", "model"]


@dataclass(frozen=True)
class Jump:
    """One model's number. `fields`: of the protocol that differ; `params`: that differ, as (before, after)."""

    model: str
    before: Standing | None
    after: Standing | None
    fields: tuple[str, ...]
    params: Mapping[str, tuple[str | None, str | None]]

    @property
    def cause(self) -> Cause:
        return "protocol" if self.fields else "model"


@dataclass(frozen=True)
class Move:
    """A place that changed, None where there is none. `by`: the models whose jumps did it."""

    model: str
    before: int | None
    after: int | None
    by: tuple[str, ...]
    cause: Cause


@dataclass(frozen=True)
class Change:
    """All that one publication changed."""

    origin: Origin
    jumps: tuple[Jump, ...]
    moves: tuple[Move, ...]


def change(before: Snapshot, after: Snapshot) -> Change:
    models = dict.fromkeys((*after.standings, *before.standings))
    jumps = {model: jump for model in models if (jump := _jump(model, before, after))}
    moves = tuple(move for model in models if (move := _move(model, before, after, jumps)))
    return Change(after.origin, tuple(jumps.values()), moves)


def _jump(model: str, before: Snapshot, after: Snapshot) -> Jump | None:
    """None where number and protocol are as they were."""
    was, now = before.standings.get(model), after.standings.get(model)
    if was and now and (was.interval, was.protocol) == (now.interval, now.protocol):
        return None
    return Jump(model, was, now, _fields(was, now, before), _params(was, now))


def _fields(was: Standing | None, now: Standing | None, before: Snapshot) -> tuple[str, ...]:
    """A model that comes with a protocol that did not reign brings a new one."""
    if now is None:
        return ()
    protocol = was.protocol if was else before.reigning.get(now.protocol.kind, now.protocol)
    return protocol.differing(now.protocol)


def _params(was: Standing | None, now: Standing | None) -> dict[str, tuple[str | None, str | None]]:
    if was is None or now is None:
        return {}
    a, b = ({**s.params, "seeds": str(s.interval.n)} for s in (was, now))
    return {key: (a.get(key), b.get(key)) for key in sorted(a.keys() | b.keys()) if a.get(key) != b.get(key)}


def _move(model: str, before: Snapshot, after: Snapshot, jumps: Mapping[str, Jump]) -> Move | None:
    was, now = _place(model, before), _place(model, after)
    if was == now:
        return None
    by = [jump for jump in jumps.values() if jump.model == model or _crossed(model, jump.model, before, after)]
    return Move(model, was, now, tuple(jump.model for jump in by), _cause(by, before, after))


def _crossed(model: str, rival: str, before: Snapshot, after: Snapshot) -> bool:
    return _ahead(model, rival, before) != _ahead(model, rival, after)


def _ahead(model: str, rival: str, at: Snapshot) -> bool | None:
    """Whether the model has the better place; None where one of the two has none."""
    a, b = _place(model, at), _place(rival, at)
    return None if a is None or b is None else a < b


def _place(model: str, at: Snapshot) -> int | None:
    return at.standings[model].place if model in at.standings else None


def _cause(jumps: Sequence[Jump], before: Snapshot, after: Snapshot) -> Cause:
    was, now = before.reigning, after.reigning
    redefined = any(was[kind] != now[kind] for kind in was.keys() & now.keys())
    return "protocol" if redefined or any(jump.cause == "protocol" for jump in jumps) else "model"
