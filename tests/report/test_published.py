"""Published numbers beside ours: the verdict, the interval, and where each number comes from."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from scipy import stats

from pipeline.errors import UserError
from pipeline.html import view
from pipeline.params import load
from pipeline.report import published_md
from pipeline.results import published
from pipeline.results.curve import CurveRow
from pipeline.results.extrapolation import extrapolate
from pipeline.results.published import PublishedNumber
from pipeline.results.reproduction import judge, reproductions
from pipeline.stages.report import main
from pipeline.statistics.intervals import Interval

if TYPE_CHECKING:
    from tests.report.conftest import Tree

ROOT = Path(__file__).parents[2]
SETTINGS = load(ROOT / "params.yaml")
STATED: dict[str, Any] = {
    "task": "toy", "model": "flow", "metric": "nats", "value": -0.5, "unit": "nats", "better": "higher",
    "source": "A paper 2020", "where": "table 1", "protocol": "Exact", "tolerance": 0.1,
}  # fmt: skip
FILE = """
tables:
  - title: Toys
    task: toy
    metric: nats
    unit: nats
    better: higher
    source: A paper 2020
    where: table 1
    protocol: Exact
    tolerance: 0.1
    numbers:
      - {model: flow, value: -0.5}
      - {name: A model of the paper, task: null, value: -0.1}
"""


def rows(*values: float, low: float = math.nan, high: float = math.nan, **more: Any) -> pd.DataFrame:
    """results.csv with one metric of one model from several seeds."""
    cell = {"task": "toy", "model": "flow", "metric": "nats", "kind": "exact", **more}
    ends = {"sampling_low": low, "sampling_high": high}
    return pd.DataFrame([cell | ends | {"seed": seed, "value": value} for seed, value in enumerate(values)])


def test_each_number_names_a_cell_of_a_suite() -> None:
    numbers = [one for table in published.read(ROOT / published.PATH) for one in table.numbers]
    cells = {(cell.task, cell.model) for cell in SETTINGS.cells}
    assert len(numbers) > 20
    for number in numbers:
        assert (number.task, number.model) in cells or number.model is None or number.task is None


def test_each_cell_of_the_suite_has_a_published_number() -> None:
    numbers = [one for table in published.read(ROOT / published.PATH) for one in table.numbers]
    repeated = {(one.task, one.model) for one in numbers}
    assert {(cell.task, cell.model) for cell in SETTINGS.suites["published"].cells()} <= repeated


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-0.9, 0.9, "reproduced"),
        (-1.5, 0.0, "undecided"),
        (0.5, 1.5, "undecided"),
        (-3.0, 3.0, "undecided"),
        (1.1, 2.0, "not reproduced"),
        (-2.0, -1.1, "better"),
    ],
)
def test_the_verdict_depends_on_the_whole_interval(low: float, high: float, verdict: str) -> None:
    middle = (low + high) / 2
    assert judge(Interval(middle, low, high, 3), 1.0, "lower") == verdict
    assert judge(Interval(-middle, -high, -low, 3), 1.0, "higher") == verdict
    assert judge(Interval(middle, None, None, 1), 1.0, "lower") != "undecided"


def test_the_interval_is_over_seeds_and_of_one_seed_that_of_sampling() -> None:
    number = PublishedNumber(**STATED)
    values = (-0.6, -0.5, -0.55)
    (several,) = reproductions([number], rows(*values), SETTINGS)
    low, high = stats.t.interval(0.95, 2, loc=sum(values) / 3, scale=stats.sem(values))
    assert several.difference == pytest.approx((-0.05, low + 0.5, high + 0.5, 3))
    (one,) = reproductions([number], rows(-0.55, low=-0.6, high=-0.5), SETTINGS)
    assert one.difference == pytest.approx((-0.05, -0.1, 0.0, 1))


def test_a_bit_for_each_of_784_values_is_784_log_2_nats() -> None:
    bits = STATED | {"metric": "bits_per_dim", "value": 784 * math.log(2), "values": 784, "better": "lower"}
    (found,) = reproductions([PublishedNumber(**bits)], rows(1.0, metric="bits_per_dim"), SETTINGS)
    assert found.verdict == "reproduced"
    assert found.difference is not None
    assert found.difference.mean == pytest.approx(0)


def test_what_is_not_measured_or_not_comparable_has_no_number() -> None:
    absent = PublishedNumber(**STATED | {"model": "vae"})
    other = PublishedNumber(**STATED | {"task": None, "model": None, "name": "NADE"})
    found = reproductions([absent, other], rows(-0.5), SETTINGS)
    assert [one.verdict for one in found] == ["not measured", "not compared"]
    assert [one.ours for one in found] == [None, None]


def test_the_length_of_training_is_a_share_of_the_published_one() -> None:
    task, model = "pacgan_ring", "gan_ring_grid"
    training = SETTINGS.train("points", model)
    number = PublishedNumber(**STATED | {"task": task, "model": model, "items": 10 * training.steps * 100})
    (found,) = reproductions([number], rows(-0.5, task=task, model=model), SETTINGS)
    assert found.trained == pytest.approx(0.1)
    assert found.reasons[0] == "10 % of the published training"


def test_a_power_law_is_found_and_a_falling_score_has_none() -> None:
    steps = range(100, 2100, 100)
    law = [CurveRow(step=t, player="validation", part="elbo", value=-90 - 300 * t**-0.5) for t in steps]
    found = extrapolate(law)
    assert found is not None
    assert found.end == pytest.approx(-90, abs=0.1)
    falling = [CurveRow(step=t, player="validation", part="elbo", value=-90 - t) for t in steps]
    assert extrapolate(falling) is None
    assert extrapolate(law[:4]) is None


def test_the_report_has_the_published_numbers(tree: Tree) -> None:
    published.PATH.write_text(FILE, encoding="utf-8")
    main()
    text = published_md.PATH.read_text(encoding="utf-8")
    assert "| flow" in text
    assert "undecided" in text or "reproduced" in text
    assert "1 not compared" in text
    assert "A paper 2020, table 1" in text


def test_the_page_has_them_too(tmp_path: Path) -> None:
    path = tmp_path / "published.yaml"
    path.write_text(FILE, encoding="utf-8")
    (table,) = published.read(path)
    (shown,) = view.published([(table, reproductions(table.numbers, rows(-0.5), SETTINGS))])
    assert shown.title == "Toys"
    assert [row[0] for row in shown.rows] == ["flow", "A model of the paper"]
    assert [row[-1] for row in shown.rows] == ["reproduced", "not compared"]
    assert list(shown.heads)[-1] == "verdict"


def test_a_report_without_the_file_says_so(tree: Tree) -> None:
    main()
    assert "There is no published.yaml" in published_md.PATH.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("tolerance: 0.1", "tolerance: -1", r"published\.yaml: tables\.0\.numbers\.0\.tolerance: .*greater than 0"),
        ("model: flow", "modle: flow", r"published\.yaml: tables\.0\.numbers\.0\.modle: extra inputs"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "published.yaml"
    path.write_text(FILE.replace(old, new), encoding="utf-8")
    with pytest.raises(UserError, match=message):
        published.read(path)
