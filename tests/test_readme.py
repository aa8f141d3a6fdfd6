"""The README's results are those of the committed report."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_readmes_result_tables_stand_in_the_leaderboard() -> None:
    readme = (ROOT / "README.md").read_text()
    results = readme.split("<!-- results -->")[1].split("<!-- /results -->")[0]
    board = (ROOT / "reports/leaderboard.md").read_text().splitlines()
    rows = [line for line in results.splitlines() if line.startswith("|")]
    assert len(rows) > 10
    assert set(rows) <= set(board)
