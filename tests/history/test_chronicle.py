"""A rank that changed is found and put down to what changed it; a change of protocol is never called one of a model."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.history.change import Change
from pipeline.history.chronicle import Chronicle, chronicles
from pipeline.history.record import Record
from tests.history.conftest import FIRST, cell, origin

SECOND = FIRST._replace(split="other data")
BOUND = FIRST._replace(kind=">= (ELBO)")


def told(*records: Record) -> Chronicle:
    (one,) = chronicles(records, ["nats"])
    return one


def places(one: Chronicle) -> dict[str, int | None]:
    return {standing.model: standing.place for standing in one.standings}


def only(one: Chronicle) -> Change:
    (change,) = one.changes
    return change


def test_models_stand_by_the_mean_over_their_seeds() -> None:
    one = told(cell("a", 1.0), cell("a", 3.0, seed=1), cell("b", 2.5), cell("b", 2.5, seed=1))
    assert places(one) == {"b": 1, "a": 2}
    assert one.standings[0].interval.n == 2
    assert one.changes == ()
    assert [(reign.model, reign.cause) for reign in one.champions] == [("b", None)]


def test_a_model_that_overtakes_is_found_with_its_commit_and_its_parameters() -> None:
    one = told(cell("a", 1.0), cell("b", 2.0), cell("a", 3.0, age=1, width=16))
    change = only(one)
    assert change.origin.commit == "commit 1"
    (jump,) = change.jumps
    assert (jump.model, jump.cause, jump.params) == ("a", "model", {"hyper.width": ("8", "16")})
    assert {(m.model, m.before, m.after, m.by, m.cause) for m in change.moves} == {
        ("a", 2, 1, ("a",), "model"),
        ("b", 1, 2, ("a",), "model"),
    }
    assert [(r.model, r.since.commit) for r in one.champions] == [("b", "commit 0"), ("a", "commit 1")]


def test_a_number_under_another_protocol_is_no_better_model() -> None:
    change = only(told(cell("a", 1.0), cell("b", 2.0), cell("a", 3.0, age=1, protocol=SECOND)))
    (jump,) = change.jumps
    assert (jump.cause, jump.fields) == ("protocol", ("split",))
    assert {move.cause for move in change.moves} == {"protocol"}


def test_what_still_has_the_old_protocol_waits_without_a_place() -> None:
    one = told(cell("a", 1.0), cell("b", 9.0), cell("a", 3.0, age=1, protocol=SECOND))
    assert places(one) == {"a": 1, "b": None}


def test_a_new_model_with_a_new_protocol_moves_others_by_protocol() -> None:
    change = only(told(cell("a", 1.0), cell("b", 9.0, age=1, protocol=SECOND)))
    assert {move.cause for move in change.moves} == {"protocol"}


def test_kinds_stand_side_by_side_and_a_change_of_kind_is_one_of_protocol() -> None:
    one = told(cell("a", 1.0, protocol=BOUND), cell("b", 2.0), cell("a", 3.0, age=1))
    assert places(one) == {"a": 1, "b": 2}
    assert only(one).jumps[0].fields == ("kind",)


def test_what_left_the_grid_leaves_the_table_and_those_below_move_up() -> None:
    one = told(cell("a", 2.0, gone=1), cell("b", 1.0))
    assert places(one) == {"b": 1}
    assert {(m.model, m.before, m.after) for m in only(one).moves} == {("a", 1, None), ("b", 2, 1)}


def test_a_seed_that_diverged_takes_its_model_out_of_the_race() -> None:
    one = told(cell("a", 2.0), cell("b", 1.0), cell("a", None, seed=1, age=1, status="diverged"))
    assert places(one) == {"b": 1}


def test_controls_and_bounds_that_flatter_have_no_place() -> None:
    flatters = FIRST._replace(kind="<= (histogram)")
    one = told(cell("oracle", 9.0, family="control"), cell("a", 8.0, protocol=flatters), cell("b", 1.0))
    assert places(one) == {"b": 1, "a": None}


def test_publishing_the_same_numbers_again_is_no_change() -> None:
    assert told(cell("a", 1.0, gone=1), cell("a", 1.0, age=1)).changes == ()


@pytest.mark.parametrize(("better", "first"), [("higher", "b"), ("lower", "a")])
def test_the_direction_of_the_metric_orders(better: str, first: str) -> None:
    assert told(cell("a", 1.0, better=better), cell("b", 2.0, better=better)).standings[0].model == first


steps = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.sampled_from([FIRST, SECOND, BOUND])), max_size=8
)


@given(steps)
def test_every_place_that_changed_is_told_and_protocol_is_never_called_model(steps: Sequence[tuple]) -> None:  # type: ignore[type-arg]
    start = [cell(model, float(nats)) for nats, model in enumerate("abc")]
    later = [cell(model, float(nats), age, protocol=p) for age, (model, nats, p) in enumerate(steps, start=1)]
    one = told(*start, *later)
    seen = {"a": 3, "b": 2, "c": 1}
    for change in one.changes:
        protocols = {jump.model for jump in change.jumps if jump.before and jump.before.protocol != jump.after.protocol}  # type: ignore[union-attr]
        assert protocols == {jump.model for jump in change.jumps if jump.cause == "protocol"}
        for move in change.moves:
            assert seen.get(move.model) == move.before
            assert move.cause == "protocol" or not protocols & set(move.by)
            seen[move.model] = move.after  # type: ignore[assignment]
    assert seen == {"a": None, "b": None, "c": None} | places(one)
    assert one.champions[-1].model == one.standings[0].model
    assert origin(0) == one.champions[0].since
