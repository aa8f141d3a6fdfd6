"""`coverseek report --readme`: answer and results of the last report, written between the markers of README.md."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipeline import files
from pipeline.claims import answer_md
from pipeline.claims.claims_md import CATALOGUE, JSON
from pipeline.errors import UserError
from pipeline.files import atomic_write
from pipeline.stages.leaderboard import Row, mean_and_interval, read_leaderboard

README = Path("README.md")
ANSWER, RESULTS = ("<!-- answer -->", "<!-- /answer -->"), ("<!-- results -->", "<!-- /results -->")
BOARD = ("images_seeds", "digits")
"""The suite and the task of the results."""
METRICS = ("bits_per_dim", "frechet", "precision", "recall", "coverage")


def main() -> None:
    """Nothing is measured or judged. Of the results the models stay those of README.md, and their numbers are written.

    Raises:
        UserError: claims.json or leaderboard.csv is missing or damaged, or README.md has no such markers.
    """
    before, table, after = _split(files.read_utf8(README, f"git show HEAD:{README}"), RESULTS)
    before, _, after = _split(f"{before}\n{_results(table)}\n{after}", ANSWER)
    with atomic_write(README) as draft:
        draft.write_text(f"{before}\n{_answer()}\n{after}", encoding="utf-8")


def _split(text: str, markers: tuple[str, str]) -> tuple[str, str, str]:
    """What stands up to the first marker, between both, and from the second on."""
    before, start, rest = text.partition(markers[0])
    between, end, after = rest.partition(markers[1])
    if not (start and end):
        raise UserError(f"{README} has no {markers[0]} and {markers[1]}; add both lines where these belong")
    return before + start, between, end + after


def _results(old: str) -> str:
    """The table `old`, with the numbers of the last report."""
    head, rule, *rows = old.strip().splitlines()
    found = {row["model"]: row for row in read_leaderboard() if (row["suite"], row["task"]) == BOARD}
    return "\n".join([head, rule, *(_line(row.strip("|").split("|")[0].strip(), found) for row in rows)])


def _line(name: str, found: Mapping[str, Row]) -> str:
    """The row of the model that stands first in a row; controls are in italics."""
    row = found.get(name.strip("*"))
    if row is None:
        raise UserError(f"{README} shows {name.strip('*')}, which suite {BOARD[0]} has not measured on {BOARD[1]}")
    return f"| {name} | {row['family']} | {' | '.join(_number(row, metric) for metric in METRICS)} |"


def _number(row: Row, metric: str) -> str:
    """Mean and interval over seeds."""
    bound = "≤ " if row.get(f"{metric}_kind", "").startswith("<=") else ""
    return bound + mean_and_interval(row, metric)


def _answer() -> str:
    hint = "coverseek report"
    text = files.read_utf8(JSON, hint)
    try:
        found = files.parse_json(text)
        if not isinstance(found, list):
            raise ValueError("it holds no list")
        return answer_md.bullets(found, CATALOGUE)
    except (ValueError, KeyError, TypeError) as error:
        raise files.damaged(JSON, str(error), hint) from None
