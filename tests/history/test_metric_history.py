"""A place that changed is attributed to what changed it; a change of protocol is never attributed to a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.history.metric_history import Change, MetricHistory, Point, histories
from pipeline.history.result_set import Key, Numbers, ResultSet
from pipeline.history.revisions import Commit
from pipeline.results.protocol import Protocol

FIRST = Protocol("nats", "exact", "test n=64", "data", 1)
SECOND = FIRST._replace(split="other data")
BOUND = FIRST._replace(kind=">= (ELBO)")


def numbers(*nats: float, protocol: Protocol = FIRST, family: str = "vae", better: str = "higher") -> Numbers:
    """One value for each seed."""
    return Numbers(better, protocol, dict(enumerate(nats)), family=family)


def history(*states: Mapping[str, Numbers], faults: Mapping[str, str] | None = None) -> MetricHistory:
    """Of one task; one commit for each state, the last with `faults`."""
    tables = [{Key("toy", model, "nats"): of for model, of in state.items()} for state in states]
    points = [Point(Commit(f"commit {age}", age), ResultSet("", table)) for age, table in enumerate(tables)]
    failed = {("toy", model): status for model, status in (faults or {}).items()}
    points[-1] = points[-1]._replace(results=ResultSet("", tables[-1], failed))
    (one,) = histories(points, ["nats"])
    return one


def places(one: MetricHistory) -> dict[str, int | None]:
    return {standing.model: standing.place for standing in one.standings}


def only(one: MetricHistory) -> Change:
    (change,) = one.changes
    return change


def test_models_stand_by_the_mean_over_their_seeds() -> None:
    one = history({"a": numbers(1.0, 3.0), "b": numbers(2.5, 2.5)})
    assert places(one) == {"b": 1, "a": 2}
    assert one.standings[0].interval.n == 2
    assert one.changes == ()
    assert [(period.model, period.cause) for period in one.champions] == [("b", None)]


def test_a_model_that_overtakes_is_found_with_its_commit() -> None:
    b = numbers(2.0)
    one = history({"a": numbers(1.0), "b": b}, {"a": numbers(3.0), "b": b})
    change = only(one)
    assert (change.before.id, change.commit.id) == ("commit 0", "commit 1")
    assert [(number.model, number.cause) for number in change.numbers] == [("a", "model")]
    assert {(p.model, p.before, p.after, p.by, p.cause) for p in change.places} == {
        ("a", 2, 1, ("a",), "model"),
        ("b", 1, 2, ("a",), "model"),
    }
    assert [(period.model, period.since.id) for period in one.champions] == [("b", "commit 0"), ("a", "commit 1")]
    assert {standing.model: standing.since.id for standing in one.standings} == {"a": "commit 1", "b": "commit 0"}


def test_a_number_under_another_protocol_is_no_better_model() -> None:
    b = numbers(2.0)
    change = only(history({"a": numbers(1.0), "b": b}, {"a": numbers(3.0, protocol=SECOND), "b": b}))
    (number,) = change.numbers
    assert (number.cause, number.fields) == ("protocol", ("split",))
    assert {place.cause for place in change.places} == {"protocol"}


def test_only_results_under_the_current_protocol_are_ranked() -> None:
    b = numbers(9.0)
    one = history({"a": numbers(1.0), "b": b}, {"a": numbers(3.0, protocol=SECOND), "b": b})
    assert places(one) == {"a": 1, "b": None}


def test_a_new_model_with_a_new_protocol_moves_others_by_protocol() -> None:
    a = numbers(1.0)
    change = only(history({"a": a}, {"a": a, "b": numbers(9.0, protocol=SECOND)}))
    assert {place.cause for place in change.places} == {"protocol"}


def test_kinds_are_ranked_together_and_a_change_of_kind_is_one_of_protocol() -> None:
    b = numbers(2.0)
    one = history({"a": numbers(1.0, protocol=BOUND), "b": b}, {"a": numbers(3.0), "b": b})
    assert places(one) == {"a": 1, "b": 2}
    assert only(one).numbers[0].fields == ("kind",)


def test_a_field_that_was_not_recorded_yet_is_no_change_of_protocol() -> None:
    old = FIRST._replace(split=None, version=None)
    assert history({"a": numbers(1.0, protocol=old)}, {"a": numbers(1.0)}).changes == ()


def test_without_a_model_those_below_move_up() -> None:
    b = numbers(1.0)
    one = history({"a": numbers(2.0), "b": b}, {"b": b})
    assert places(one) == {"b": 1}
    assert {(p.model, p.before, p.after) for p in only(one).places} == {("a", 1, None), ("b", 2, 1)}


def test_a_model_of_which_a_seed_diverged_is_not_ranked() -> None:
    state = {"a": numbers(2.0), "b": numbers(1.0)}
    assert places(history(state, state, faults={"a": "1 diverged"})) == {"b": 1}


def test_controls_external_models_and_optimistic_bounds_have_no_place() -> None:
    optimistic = FIRST._replace(kind="<= (histogram)")
    one = history(
        {
            "oracle": numbers(9.0, family="control"),
            "elsewhere": numbers(9.0, family="external"),
            "a": numbers(8.0, protocol=optimistic),
            "b": numbers(1.0),
        }
    )
    assert places(one) == {"b": 1, "a": None}


@pytest.mark.parametrize(("better", "first"), [("higher", "b"), ("lower", "a")])
def test_the_direction_of_the_metric_orders(better: str, first: str) -> None:
    one = history({"a": numbers(1.0, better=better), "b": numbers(2.0, better=better)})
    assert one.standings[0].model == first


steps = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.sampled_from([FIRST, SECOND, BOUND])), max_size=8
)


@given(steps)
def test_changes_lead_from_the_first_places_to_the_last_and_protocol_is_never_called_model(
    steps: Sequence[tuple[str, int, Protocol]],
) -> None:
    states = [{model: numbers(float(nats)) for nats, model in enumerate("abc")}]
    for model, nats, protocol in steps:
        states.append({**states[-1], model: numbers(float(nats), protocol=protocol)})
    one = history(*states)
    seen: dict[str, int | None] = {"a": 3, "b": 2, "c": 1}
    for change in one.changes:
        protocols = {n.model for n in change.numbers if n.before and n.after and n.before.protocol != n.after.protocol}
        assert protocols == {n.model for n in change.numbers if n.cause == "protocol"}
        for place in change.places:
            assert seen.get(place.model) == place.before
            assert place.cause == "protocol" or not protocols & set(place.by)
            seen[place.model] = place.after
    assert seen == places(one)
    assert one.champions[-1].model == one.standings[0].model
    assert one.champions[0].since.id == "commit 0"
