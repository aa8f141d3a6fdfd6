"""`coverseek report --readme`: answer and results of the last report, written between the markers of README.md."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipeline import files
from pipeline.claims import answer_md
from pipeline.claims.claims_md import CATALOGUE, JSON
from pipeline.errors import UserError
from pipeline.files import atomic_write
from pipeline.results.column import DASH, column
from pipeline.stages.leaderboard import read_leaderboard

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
    text = files.read_utf8(README, f"git show HEAD:{README}")
    for markers, written in ((RESULTS, _results), (ANSWER, _answer)):
        before, start, rest = text.partition(markers[0])
        old, end, after = rest.partition(markers[1])
        if not (start and end):
            raise UserError(f"{README} has no {markers[0]} and {markers[1]}; add both lines where these belong")
        text = f"{before}{start}\n{written(old)}\n{end}{after}"
    with atomic_write(README) as draft:
        draft.write_text(text, encoding="utf-8")


def _results(old: str) -> str:
    """The table `old`, with the numbers of the last report."""
    head, rule, *rows = old.strip().splitlines()
    found = {row["model"]: row for row in read_leaderboard() if (row["suite"], row["task"]) == BOARD}
    return "\n".join([head, rule, *(_line(row.strip("|").split("|")[0].strip(), found) for row in rows)])


def _line(name: str, found: Mapping[str, Mapping[str, str]]) -> str:
    """The row of the model that stands first in a row; controls are in italics."""
    row = found.get(name.strip("*"))
    if row is None:
        raise UserError(f"{README} shows {name.strip('*')}, which suite {BOARD[0]} has not measured on {BOARD[1]}")
    return f"| {name} | {row['family']} | {' | '.join(_number(row, metric) for metric in METRICS)} |"


def _number(row: Mapping[str, str], metric: str) -> str:
    """Mean and interval over seeds."""
    ends = (row.get(f"{metric}_{end}") for end in ("mean", "low", "high"))
    mean, low, high = (float(text) if text else None for text in ends)
    if mean is None:
        return DASH
    bound = "≤ " if row[f"{metric}_kind"].startswith("<=") else ""
    return bound + column(metric).spread(mean, low, high, column(metric).log)


def _answer(old: str) -> str:
    del old
    hint = "coverseek report"
    text = files.read_utf8(JSON, hint)
    try:
        found = files.parse_json(text)
        if not isinstance(found, list):
            raise ValueError("it holds no list")
        return answer_md.bullets(found, CATALOGUE)
    except (ValueError, KeyError, TypeError) as error:
        raise files.damaged(JSON, str(error), hint) from None
