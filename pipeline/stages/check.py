"""`coverseek check`: the laws of the contract, put to a model, a dataset or an extractor, and a table of verdicts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from pipeline import paths, table_formats
from pipeline.errors import UserError
from pipeline.laws import inspection, target
from pipeline.laws.inspection import Outcome, Place, Verdict
from pipeline.laws.models import BLIND
from pipeline.laws.target import Target
from pipeline.params import bind
from pipeline.stages.leaderboard import PIPE_WIDTH

ORDER: tuple[Outcome, ...] = ("broken", "not served", "kept")


def main(word: str, settings: Sequence[str] = ()) -> int:
    """Print what became of each law. Returns the exit code: 1 if one is broken, or nothing is served at all.

    Raises:
        UserError: the word names nothing that can be checked, or a setting, key=value, is no keyword of it.
    """
    keywords, counts = dict(map(_setting, settings)), Counter[Outcome]()
    for found in target.resolve(word):
        verdicts = list(_inspected(found, _bound(found.function, keywords)))
        counts.update(verdict.outcome for verdict in verdicts)
        _show(found, verdicts)
    print(", ".join(f"{counts[outcome]} {outcome}" for outcome in ORDER) + ".")
    return 1 if counts["broken"] or not counts["kept"] else 0


def _setting(text: str) -> tuple[str, Any]:
    """The value is JSON, or else the word itself."""
    key, equals, value = text.partition("=")
    if not equals:
        raise UserError(f"--set {text}: give a keyword and its value, key=value")
    try:
        return key, json.loads(value)
    except json.JSONDecodeError:
        return key, value


def _bound(function: Callable[..., Any], keywords: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return bind(function, keywords, "--set")
    except UserError as error:
        raise UserError(str(error).removeprefix(f"{paths.PARAMS}: ")) from None


def _inspected(found: Target, keywords: Mapping[str, Any]) -> Iterator[Verdict]:
    match found.kind:
        case "model":
            blind = found.family == "control" and found.name.removesuffix("_points").removesuffix("_images") in BLIND
            return inspection.model(found.function, found.name, keywords=keywords, blind=blind)
        case "dataset":
            return inspection.dataset(found.function, keywords=keywords)
        case "extractor":
            return inspection.extractor(found.function, keywords=keywords)


def _show(found: Target, verdicts: Iterable[Verdict]) -> None:
    table = table_formats.terminal_table(f"{found.kind} {found.title}")
    for heading in ("law", "verdict", "where"):
        table.add_column(heading)
    for row in rows(verdicts):
        table.add_row(*row)
    table_formats.console(PIPE_WIDTH).print(table)


def rows(verdicts: Iterable[Verdict]) -> list[tuple[str, str, str]]:
    """(law, verdict, places), what is wrong first; places with one verdict share a row."""
    places: dict[tuple[str, Outcome, str], list[Place]] = {}
    for verdict in verdicts:
        places.setdefault((verdict.law, verdict.outcome, verdict.words), []).append(verdict.place)
    return [
        (law, "ok" if outcome == "kept" else f"{outcome}: {words}", _where(where))
        for wanted in ORDER
        for (law, outcome, words), where in places.items()
        if outcome == wanted
    ]


def _where(places: Iterable[Place]) -> str:
    """points (none, class); grey (none)."""
    groups = ((event, [place[1] for place in group if place[1:]]) for event, group in groupby(places, lambda p: p[0]))
    return "; ".join(f"{event} ({', '.join(kinds)})" if kinds else event for event, kinds in groups)
