"""Laws of reading a model at equal precision, and what its table says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import files, paths
from pipeline.paths import Cell
from pipeline.report.equal_precision_table import TITLE
from pipeline.results.equal_precision import PRECISION, at_precision
from pipeline.results.outcomes import SweepPoint
from pipeline.stages.report import main

if TYPE_CHECKING:
    from tests.report.conftest import Tree

shares = st.floats(0.0, 1.0)
knobs = st.lists(st.tuples(shares, shares, shares), min_size=1, max_size=8)


def curve(*points: tuple[float, float, float]) -> list[SweepPoint]:
    """(precision, recall, coverage) at the settings 1, 2, ..."""
    return [
        SweepPoint(setting=k, precision=p, recall=r, coverage=c, frechet=1.0) for k, (p, r, c) in enumerate(points, 1)
    ]


def test_between_two_settings_the_model_is_read_on_straight_lines() -> None:
    found = at_precision(*[curve((0.95, 0.2, 0.4), (0.85, 0.6, 0.6))] * 2, "recall")
    assert found == pytest.approx((1.5, 0.9, 0.4))


def test_the_setting_is_chosen_on_validation_and_read_on_the_test_split() -> None:
    validation = curve((0.95, 0.2, 0.4), (0.85, 0.6, 0.6))
    test = curve((0.80, 0.3, 0.1), (0.60, 0.5, 0.9))
    assert at_precision(test, validation, "recall") == pytest.approx((1.5, 0.7, 0.4))
    assert at_precision(validation, test, "recall") is None


def test_recall_and_coverage_have_settings_of_their_own() -> None:
    both = [curve((0.99, 0.2, 0.9), (0.95, 0.6, 0.3))] * 2
    assert at_precision(*both, "recall") == pytest.approx((2.0, 0.95, 0.6))
    assert at_precision(*both, "coverage") == pytest.approx((1.0, 0.99, 0.9))


def test_a_setting_that_one_split_lacks_is_left_out() -> None:
    whole = curve((0.99, 0.2, 0.9), (0.95, 0.6, 0.3), (0.91, 0.9, 0.1))
    assert at_precision(whole[:2], whole, "recall") == pytest.approx((2.0, 0.95, 0.6))


def test_without_coverage_on_disk_there_is_recall_alone() -> None:
    old = [point.model_copy(update={"coverage": None}) for point in curve((0.99, 0.2, 0.9))]
    assert at_precision(old, old, "coverage") is None
    assert at_precision(old, old, "recall") == pytest.approx((1.0, 0.99, 0.2))


@settings(deadline=None)  # it fails on a machine with much else to do
@given(knobs)
def test_a_model_that_never_reaches_the_precision_has_no_number_and_any_other_has_at_least_that(points: list) -> None:
    same = curve(*points)
    found = at_precision(same, same, "recall")
    assert (found is None) == all(p < PRECISION for p, _, _ in points)
    if found:
        assert found.precision >= PRECISION - 1e-9
        assert found.value >= max(r for p, r, _ in points if p >= PRECISION) - 1e-9


def sweep(tree: Tree, model: str, seed: int, *points: tuple[float, float, float]) -> None:
    turns = [point.model_dump() for point in curve(*points)]
    record = {"status": "ok", "knob": "temperature", "protocol": "test n=64", "turns": turns, "validation": turns}
    files.write_json(paths.sweep(Cell("toy", model, seed)), record | {"area": 0.4, "best": 1.0})


def table_of(text: str) -> dict[str, list[str]]:
    """Model -> its cells."""
    section = text.split(f"{TITLE}:")[1].split("\n\n")[1]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines()]
    return {row[0]: row[1:] for row in rows[2:]}


def test_the_table_has_intervals_over_seeds_and_says_who_never_reaches_the_precision(tree: Tree) -> None:
    for seed in range(3):
        sweep(tree, "vae", seed, (0.95, 0.2 + seed / 100, 0.4), (0.85, 0.6 + seed / 100, 0.6))
        sweep(tree, "gan", seed, (0.8 if seed else 0.92, 0.2, 0.4), (0.7, 0.6, 0.6))
    main()
    rows = table_of(paths.LEADERBOARD_MD.read_text())
    assert rows["vae"] == ["vae", "temperature", "0.410 ± 0.025", "1.50", "0.900", "0.500 ± 0.000", "1.50", "0.900"]
    assert rows["gan"][2] == rows["gan"][5] == "never of 2 of 3 seeds: at most 0.80"
    assert set(rows) == {"vae", "gan"}


def test_boards_without_sweeps_have_no_such_table(tree: Tree) -> None:
    main()
    assert TITLE not in paths.LEADERBOARD_MD.read_text()
