"""The README: its results are those of the committed report, and it stays short."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from pipeline.params import load
from pipeline.results.column import column

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COLUMNS = ("bits_per_dim", "frechet", "precision", "recall", "coverage")


def test_the_readmes_results_are_those_of_the_leaderboard() -> None:
    with (ROOT / "reports/leaderboard.csv").open(encoding="utf-8") as file:
        rows = {
            row["model"]: row for row in csv.DictReader(file) if (row["suite"], row["task"]) == ("images", "digits")
        }
    shown = README.split("<!-- results -->")[1].split("<!-- /results -->")[0].strip().splitlines()[2:]
    assert len(shown) >= 5
    for line in shown:
        name, family, *values = [cell.strip(" *") for cell in line.strip("|").split("|")]
        row = rows[name]
        assert family == row["family"]
        assert values == [_text(row, metric) for metric in COLUMNS]


def _text(row: dict[str, str], metric: str) -> str:
    mean, kind = row[f"{metric}_mean"], row[f"{metric}_kind"]
    bound = "≤ " if kind.startswith("<=") else ""
    return f"{bound}{column(metric).text(float(mean))}" if mean else "—"


def test_the_readme_says_which_seeds_its_table_has() -> None:
    default = [suite for suite in load(ROOT / "params.yaml").suites.values() if suite.default]
    assert {
        len({c.seed for c in suite.cells() if c.task == "digits"}) for suite in default if "digits" in suite.tasks
    } == {1}
    assert "`digits` (8x8 images with 17 gray levels, one training seed)" in README


def test_the_readme_is_short_and_begins_with_the_commands() -> None:
    lines = README.splitlines()
    assert len(lines) <= 120
    assert len(re.findall(r"\S+", README)) <= 900
    assert next(place for place, line in enumerate(lines) if line.startswith("make benchmark")) < 20
