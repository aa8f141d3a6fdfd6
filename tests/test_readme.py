"""The README: its results are those of the committed report, and it stays short."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from pipeline.params import load
from pipeline.results.column import column
from pipeline.stages import readme

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readmes_results_are_those_of_the_leaderboard() -> None:
    with (ROOT / "reports/leaderboard.csv").open(encoding="utf-8") as file:
        rows = {row["model"]: row for row in csv.DictReader(file) if (row["suite"], row["task"]) == readme.BOARD}
    shown = README.split("<!-- results -->")[1].split("<!-- /results -->")[0].strip().splitlines()[2:]
    assert len(shown) >= 5
    for line in shown:
        name, family, *values = [cell.strip(" *") for cell in line.strip("|").split("|")]
        row = rows[name]
        assert family == row["family"]
        means = [row[f"{metric}_mean"] for metric in readme.METRICS]
        for value, metric, mean in zip(values, readme.METRICS, means, strict=True):
            assert value.removeprefix("≤ ").split()[0] == (column(metric).text(float(mean)) if mean else "—")
        assert rows[name]["role"] == "control" or row["seeds"] == "5"


def test_the_readme_says_which_seeds_its_table_has() -> None:
    suite = load(ROOT / "params.yaml").suites[readme.BOARD[0]]
    assert {len({c.seed for c in suite.cells() if c.model == model}) for model in suite.models} == {1, 5}
    assert "mean of five training seeds" in README


def test_the_readme_is_short_and_begins_with_the_commands() -> None:
    lines = README.splitlines()
    assert len(lines) <= 120
    assert len(re.findall(r"\S+", README)) <= 900
    assert next(place for place, line in enumerate(lines) if line.startswith("make benchmark")) < 20
