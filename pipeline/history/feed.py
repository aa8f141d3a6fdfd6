"""Chronicles as an Atom feed (RFC 4287): an entry for each publication that changed a place, the newest first.

The same records give the same bytes: an entry's id is made of what it tells of, its time is the publication's.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from xml.etree import ElementTree

from pipeline.history.account import when
from pipeline.history.change import Change, Move
from pipeline.history.chronicle import Chronicle
from pipeline.history.record import Origin
from pipeline.results.column import DASH, column

ATOM = "http://www.w3.org/2005/Atom"
NAMES = uuid.uuid5(uuid.NAMESPACE_OID, "coverseek leaderboard")


def atom(chronicles: Sequence[Chronicle]) -> str:
    told = [(change, one) for one in chronicles for change in one.changes if change.moves]
    told.sort(key=lambda pair: -pair[0].origin.time)
    feed = ElementTree.Element(f"{{{ATOM}}}feed")
    times = [change.origin for change, _ in told] or [s.since for one in chronicles for s in one.standings]
    _head(feed, "Coverseek: changes of the leaderboard", NAMES, max(times, default=Origin(0, "", "")))
    _add(_add(feed, "author"), "name", "Coverseek")
    for change, one in told:
        _entry(_add(feed, "entry"), change, one)
    ElementTree.register_namespace("", ATOM)
    ElementTree.indent(feed)
    return ElementTree.tostring(feed, encoding="unicode", xml_declaration=True) + "\n"


def _entry(entry: ElementTree.Element, change: Change, one: Chronicle) -> None:
    title = f"{one.task}, {column(one.metric).title}: {'; '.join(_moved(move) for move in change.moves)}"
    name = " ".join((one.task, one.metric, *change.origin.key, str(change.origin.time)))
    _head(entry, title, uuid.uuid5(NAMES, name), change.origin)
    causes = [f"{jump.model}: {jump.cause}{_fields(jump.fields)}" for jump in change.jumps]
    _add(entry, "content", "\n".join([f"commit {change.origin.commit}", *causes])).set("type", "text")


def _head(parent: ElementTree.Element, title: str, name: uuid.UUID, origin: Origin) -> None:
    _add(parent, "id", name.urn)
    _add(parent, "title", title)
    _add(parent, "updated", when(origin).isoformat(timespec="seconds"))


def _moved(move: Move) -> str:
    """'vae 2 → 1 (model)'"""
    before, after = (DASH if place is None else str(place) for place in (move.before, move.after))
    return f"{move.model} {before} → {after} ({move.cause})"


def _fields(fields: Sequence[str]) -> str:
    return f" ({', '.join(fields)})" if fields else ""


def _add(parent: ElementTree.Element, tag: str, text: str | None = None) -> ElementTree.Element:
    child = ElementTree.SubElement(parent, f"{{{ATOM}}}{tag}")
    child.text = text
    return child
