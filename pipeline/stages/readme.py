"""`coverseek report --readme`: the answer of reports/claims.json, written between the markers of README.md."""

from __future__ import annotations

from pathlib import Path

from pipeline import files
from pipeline.claims import answer_md
from pipeline.claims.claims_md import CATALOGUE, JSON
from pipeline.errors import UserError
from pipeline.files import atomic_write

README, MARKERS = Path("README.md"), ("<!-- answer -->", "<!-- /answer -->")


def main() -> None:
    """Nothing is measured or judged.

    Raises:
        UserError: claims.json is missing or damaged, or README.md has no such markers.
    """
    text, answer = files.read_utf8(README, f"git show HEAD:{README}"), _answer()
    before, start, rest = text.partition(MARKERS[0])
    _, end, after = rest.partition(MARKERS[1])
    if not (start and end):
        raise UserError(f"{README} has no {MARKERS[0]} and {MARKERS[1]}; add both lines where the answer is to stand")
    with atomic_write(README) as draft:
        draft.write_text(f"{before}{start}\n{answer}\n{end}{after}", encoding="utf-8")


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
