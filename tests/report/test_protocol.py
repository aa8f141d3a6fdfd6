"""The protocol id: equal where everything that defines a number is, and a table holds one for each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import files, paths
from pipeline.errors import UserError
from pipeline.results.protocol import Protocol, split
from pipeline.stages.report import main

if TYPE_CHECKING:
    from tests.report.conftest import Tree

PROTOCOL = Protocol("nats", "exact", "test n=64", "0123abcd", 1)
words = st.text(max_size=3)
protocols = st.builds(Protocol, words, words, words, st.none() | words, st.none() | st.integers(1, 3))


@given(protocols, protocols)
def test_two_ids_are_equal_only_where_no_field_differs(a: Protocol, b: Protocol) -> None:
    assert (a.id == b.id) == (a == b)
    assert a.differing(b) == b.differing(a)
    if None not in (*a, *b):
        assert bool(a.differing(b)) == (a != b)


def test_an_id_is_eight_hexadecimal_digits_that_never_change() -> None:
    assert PROTOCOL.id == "b5f4212f"


def test_what_is_unknown_differs_from_nothing() -> None:
    assert PROTOCOL.differing(PROTOCOL._replace(split=None, version=None)) == ()
    assert PROTOCOL.differing(PROTOCOL._replace(split="another", version=2)) == ("split", "version")


def test_the_split_is_the_data_and_not_the_tasks_name(tree: Tree) -> None:
    manifest = files.read_json(paths.prepared("toy") / "manifest.json", "")
    files.write_json(paths.prepared("toy_again") / "manifest.json", manifest | {"task": "toy_again"})
    assert split("toy_again") == split("toy") != split("pics")
    files.write_json(paths.prepared("toy") / "manifest.json", manifest | {"splits": {"test": {"sha256": "another"}}})
    assert split("toy") != split("toy_again")


def test_without_a_manifest_it_says_what_to_run(tree: Tree) -> None:
    (paths.prepared("pics") / "manifest.json").unlink()
    with pytest.raises(UserError, match="coverseek prepare --task pics"):
        main()


def test_every_number_carries_its_id(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.results.outcomes.version", lambda metric: 2 if metric == "frechet" else 1)
    main()
    for row in tree.rows(paths.RESULTS):
        known = Protocol(row["metric"], row["kind"], row["protocol"], row["split"], int(row["version"]))
        assert known.id == row["protocol_id"]
        assert known.version == (2 if row["metric"] == "frechet" else 1)


def test_a_refusal_names_the_field_that_differs(tree: Tree) -> None:
    tree.cell("toy", "vae", 0, {"frechet": 0.4}, protocol="test n=65")
    with pytest.raises(UserError, match=r"frechet .* of toy .* differ in protocol .*'test n=65'"):
        main()
