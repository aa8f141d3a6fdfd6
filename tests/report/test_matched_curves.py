"""The chart of families at equal cost, and which models are sizes of one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import altair as alt
import pytest

from pipeline.params import load
from pipeline.report.charts import matched_curves
from pipeline.report.charts.chart import Chart
from pipeline.report.leaderboard import Board, SeedMean, Standing
from pipeline.results import size_series
from pipeline.results.size_series import SizeSeries
from pipeline.results.table import BUDGETS, base
from pipeline.statistics.intervals import student_t


def size(seconds: float, parameters: float, nats: float) -> dict[str, float]:
    return {
        "train_seconds": seconds, "parameters": parameters, "sample_flops": 10 * parameters,
        "train_flops": 1e6 * seconds, "nats": nats,
        "frechet": -1 / nats, "precision": 0.9, "coverage": 0.8,
    }  # fmt: skip


MODELS: Mapping[str, Mapping[str, float]] = {
    "realnvp": size(8, 1000, -1.0),
    "realnvp_steps_25": size(2, 1000, -1.9),
    "realnvp_steps_200": size(16, 1000, -0.9),
    "realnvp_half": size(6, 300, -1.2),
    "vae": size(4, 2000, -1.5),
    "oracle": size(1, 1, -0.5),
}


def board(models: Mapping[str, Mapping[str, float]] = MODELS) -> Board:
    standings = tuple(
        Standing(
            model, "control" if model == "oracle" else "flow" if model.startswith("realnvp") else "vae", "ok", (),
            {m: SeedMean(student_t([v, 1.1 * v]), "exact", "higher", False, {}) for m, v in values.items()},
        )
        for model, values in models.items()
    )  # fmt: skip
    metrics = {metric: {"exact": "test"} for values in models.values() for metric in values}
    return Board("budgets", "?", "toy", standings, {}, {}, metrics, ())


def drawn() -> Chart:
    chart = matched_curves.draw(board())
    assert chart is not None
    return chart


def test_a_series_joins_the_sizes_of_one_model_from_small_to_large() -> None:
    known = [*MODELS, "realnvp_eighth"]
    assert list(size_series.series(known)) == [
        SizeSeries("realnvp", "steps", ("realnvp_steps_25", "realnvp", "realnvp_steps_200")),
        SizeSeries("realnvp", "width", ("realnvp_eighth", "realnvp_half", "realnvp")),
    ]


def test_models_of_another_budget_differ_in_their_steps_alone() -> None:
    params = load(Path("params.yaml"))
    names = [name for name in params.suites["budgets"].models if name.endswith(BUDGETS)]
    assert len(names) == 15
    for name in names:
        own, whole = params.model("points", name), params.model("points", base(name))
        assert (own.family, own.recipe, own.keywords) == (whole.family, base(name), whole.keywords)
        trained, full = params.train("points", name), params.train("points", base(name))
        assert trained.steps * 100 == full.steps * int(name.rpartition("_")[2])
        assert trained.model_copy(update={"steps": full.steps}) == full


def test_lines_run_from_small_to_large_and_steps_have_one_against_the_costs_of_training_alone() -> None:
    lines = [rows for rows in drawn().spec["datasets"].values() if rows and "place" in rows[0]]
    by_steps = [[row["x"] for row in rows if row["model"] == "realnvp, steps"] for rows in lines]
    assert [xs for xs in by_steps if xs] == [
        pytest.approx([x * unit for x in (2.1, 8.4, 16.8)]) for _ in range(4) for unit in (1, 1e6)
    ]
    by_width = [[row["x"] for row in rows if row["model"] == "realnvp, width"] for rows in lines]
    assert by_width
    assert all(xs == sorted(xs) and len(xs) == 2 for xs in by_width)


def test_there_is_a_panel_for_each_cost_and_quality_and_models_of_one_size_are_not_drawn() -> None:
    chart = drawn()
    rows = chart.spec["vconcat"]
    assert [len(row["hconcat"]) for row in rows] == [4, 4, 4, 4]
    assert {row[0] for row in chart.table.rows} == {name for name in MODELS if name.startswith("realnvp")}
    assert [family for _, family in chart.legend] == ["flow"]


def test_boards_without_sizes_have_no_such_chart() -> None:
    assert matched_curves.draw(board({name: MODELS[name] for name in ("realnvp", "vae", "oracle")})) is None


def test_it_can_be_rendered_on_the_page_and_as_a_picture() -> None:
    alt.Chart.from_dict(drawn().spec)
    assert drawn().svg.startswith("<svg")
    assert drawn().png().startswith(b"\x89PNG")
