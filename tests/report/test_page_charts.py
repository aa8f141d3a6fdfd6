"""Numbers that the renderer of the charts cannot take are refused, or left to the tables, before it sees them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import altair as alt
import pytest
from pipeline.page import document
from pipeline.page.charts import static, theme

from pipeline import paths
from pipeline.errors import UserError
from pipeline.paths import Cell
from pipeline.stages import report

if TYPE_CHECKING:
    from tests.report.conftest import Tree


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 1e30, 10**40])
def test_a_number_that_is_not_finite_or_too_large_is_refused_with_the_charts_name(value: float) -> None:
    chart = alt.Chart(theme.data([{"x": 1.0}, {"x": value}])).mark_point().encode(alt.X(**theme.axis("x", "x")))
    with pytest.raises(UserError, match="the chart plane-toy cannot be drawn with the number"):
        static.svg(theme.spec(chart), "points", "plane-toy")


def test_a_model_beyond_the_axes_is_left_out_of_the_charts_alone(painted_tree: Tree) -> None:
    for seed in range(3):
        painted_tree.cell("toy", "flow", seed, {"frechet": 1e30 + 1e28 * seed, "precision": 0.5, "recall": 0.5})
    text = paths.curve(Cell("toy", "vae", 0)).read_text()
    paths.curve(Cell("toy", "vae", 0)).write_text(text + "9,validation,nats,1e300\n10,validation,nats,inf\n")
    report.main()
    assert "<svg" in Path(document.PATH).read_text()
    assert float(painted_tree.standing("toy", "flow")["frechet_mean"]) == pytest.approx(1.01e30, rel=0.01)


@pytest.mark.parametrize("value", ["1e999", "1e101", '"3"', "null", "9" * 5000])
def test_a_damaged_number_is_named_before_anything_is_drawn(painted_tree: Tree, value: str) -> None:
    path = paths.metrics(Cell("toy", "flow", 1))
    text = path.read_text()
    first = text.index('"value": ') + len('"value": ')
    path.write_text(text[:first] + value + text[text.index("\n", first) :])
    words = r"toy-flow-1.json is damaged .*make it again with: coverseek evaluate --task toy --model flow --seed 1"
    with pytest.raises(UserError, match=words):
        report.main()
