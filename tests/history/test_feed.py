"""The feed is well-formed Atom, the same bytes for the same records, and escapes what it is given."""

from __future__ import annotations

from xml.etree import ElementTree

from pipeline.history.chronicle import chronicles
from pipeline.history.feed import atom
from tests.history.conftest import cell

SPACE = {"a": "http://www.w3.org/2005/Atom"}
RECORDS = [cell("a", 1.0), cell("<b> & co", 2.0), cell("a", 3.0, age=1), cell("a", 4.0, age=2)]


def test_every_publication_that_changed_a_place_is_an_entry() -> None:
    feed = ElementTree.fromstring(atom(chronicles(RECORDS, ["nats"])))
    (entry,) = feed.findall("a:entry", SPACE)
    assert entry.findtext("a:title", namespaces=SPACE) == "toy, nats: a 2 → 1 (model); <b> & co 1 → 2 (model)"
    assert entry.findtext("a:updated", namespaces=SPACE) == "1970-01-01T00:00:01+00:00"
    for parent in (feed, entry):
        assert all(parent.findtext(f"a:{tag}", namespaces=SPACE) for tag in ("id", "title", "updated"))


def test_the_same_records_give_the_same_bytes() -> None:
    assert atom(chronicles(RECORDS, ["nats"])) == atom(chronicles(list(reversed(RECORDS)), ["nats"]))


def test_a_feed_without_changes_is_one() -> None:
    assert ElementTree.fromstring(atom(chronicles(RECORDS[:1], ["nats"]))).findtext("a:title", namespaces=SPACE)
