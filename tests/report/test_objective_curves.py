"""The chart of one architecture under several objectives."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from pipeline.report.charts import objective_curves
from pipeline.report.charts.objective_curves import SMALLEST
from pipeline.report.leaderboard import Board, SeedMean, Standing
from pipeline.results.objective_series import SUITE
from pipeline.statistics.intervals import student_t

POINTS: Mapping[str, Mapping[str, float]] = {
    "spline_flow_forward_kl": {"kl_pq": -0.002, "kl_qp": 0.9, "coverage": 0.95, "precision": 0.8},
    "spline_flow_renyi_0_5": {"kl_pq": 0.5, "kl_qp": 0.4, "coverage": 0.9, "precision": 0.9},
    "spline_flow_reverse_kl": {"kl_pq": 9.0, "kl_qp": 0.1, "coverage": 0.5, "precision": 0.99},
    "spline_flow_hybrid_10": {"kl_pq": 2.0, "kl_qp": 0.3, "coverage": 0.8, "precision": 0.95},
    "oracle": {"kl_pq": 0.001, "kl_qp": 0.001, "coverage": 0.97, "precision": 0.97},
}


def board(scores: Mapping[str, Mapping[str, float]], suite: str = SUITE) -> Board:
    standings = tuple(
        Standing(
            model, "control" if model == "oracle" else "flow", "ok", (),
            {m: SeedMean(student_t([v, 1.1 * v]), "exact", "lower", False, {}) for m, v in values.items()},
        )
        for model, values in scores.items()
    )  # fmt: skip
    metrics = {metric: {"exact": "test"} for values in scores.values() for metric in values}
    return Board(suite, "?", "toy", standings, {}, {}, metrics, ())


def test_lines_join_the_settings_of_a_knob_from_covering_to_seeking() -> None:
    chart = objective_curves.draw(board(POINTS))
    assert chart is not None
    sets = [rows for rows in chart.spec["datasets"].values() if rows and "setting" in rows[0]]
    joined = {
        line: [[row["y"] for row in rows if row["model"] == line] for rows in sets]
        for line in ("spline_flow, order", "spline_flow, weight")
    }
    assert pytest.approx([SMALLEST, 0.525, 9.45]) in joined["spline_flow, order"]  # a negative estimate is drawn there
    assert pytest.approx([SMALLEST, 2.1]) in joined["spline_flow, weight"]


def test_on_images_bits_take_the_place_of_the_divergences() -> None:
    scores = {
        "realnvp_forward_kl": {"bits_per_dim": 1.8, "coverage": 0.9, "precision": 0.6},
        "realnvp_nonsaturating": {"bits_per_dim": 5.0, "coverage": 0.7, "precision": 0.8},
    }
    chart = objective_curves.draw(board(scores))
    assert chart is not None
    assert "bits/dim" in json.dumps(chart.spec, ensure_ascii=False)
    assert [row[0] for row in chart.table.rows] == list(scores)


def test_only_the_board_of_the_suite_has_the_chart() -> None:
    assert objective_curves.draw(board(POINTS, "points")) is None
    assert objective_curves.draw(board({"oracle": POINTS["oracle"]})) is None


def test_the_picture_can_be_rendered() -> None:
    chart = objective_curves.draw(board(POINTS))
    assert chart is not None
    assert chart.svg.startswith("<svg")
