"""`coverseek conformance`: check the laws of the contract on models, datasets and extractors; print the verdicts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from pipeline import paths, table_formats
from pipeline.conformance import inspection
from pipeline.conformance.inspection import Outcome, Place, Verdict
from pipeline.conformance.model_laws import UNCONDITIONAL_CONTROLS
from pipeline.conformance.resolve import Target, resolve
from pipeline.errors import UserError
from pipeline.families.registry import short_name
from pipeline.params import bind
from pipeline.stages.leaderboard import PIPE_WIDTH

ORDER: tuple[Outcome, ...] = ("failed", "not supported", "passed")


def main(word: str, settings: Sequence[str] = ()) -> int:
    """Print the verdict of each law. Returns the exit code: 1 if a law failed, or none passed.

    Raises:
        UserError: `word` names nothing that can be checked, or a setting, key=value, is not a keyword of it.
    """
    keywords, counts = dict(map(_setting, settings)), Counter[Outcome]()
    for found in resolve(word):
        verdicts = list(_inspect(found, _bound(found.function, keywords)))
        counts.update(verdict.outcome for verdict in verdicts)
        _show(found, verdicts)
    print(", ".join(f"{counts[outcome]} {outcome}" for outcome in ORDER) + ".")
    return 1 if counts["failed"] or not counts["passed"] else 0


def _setting(text: str) -> tuple[str, Any]:
    """(keyword, value); a value that is not JSON is text."""
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


def _inspect(found: Target, keywords: Mapping[str, Any]) -> Iterator[Verdict]:
    match found.kind:
        case "model":
            unconditional = found.family == "control" and short_name(found.name) in UNCONDITIONAL_CONTROLS
            return inspection.inspect_model(found.function, found.name, keywords=keywords, unconditional=unconditional)
        case "dataset":
            return inspection.inspect_dataset(found.function, keywords=keywords)
        case "extractor":
            return inspection.inspect_extractor(found.function, keywords=keywords)


def _show(found: Target, verdicts: Iterable[Verdict]) -> None:
    table = table_formats.terminal_table(f"{found.kind} {found.title}")
    for heading in ("law", "verdict", "where"):
        table.add_column(heading)
    for row in rows(verdicts):
        table.add_row(*row)
    table_formats.console(PIPE_WIDTH).print(table)


def rows(verdicts: Iterable[Verdict]) -> list[tuple[str, str, str]]:
    """(law, verdict, places), failures first; places with the same verdict share a row."""
    places: dict[tuple[str, Outcome, str], list[Place]] = {}
    for verdict in verdicts:
        places.setdefault((verdict.statement, verdict.outcome, verdict.message), []).append(verdict.place)
    return [
        (statement, f"{outcome}: {message}" if message else outcome, _where(where))
        for wanted in ORDER
        for (statement, outcome, message), where in places.items()
        if outcome == wanted
    ]


def _where(places: Iterable[Place]) -> str:
    """points (none, class); grey (none)."""
    groups = ((event, [place[1] for place in group if place[1:]]) for event, group in groupby(places, lambda p: p[0]))
    return "; ".join(f"{event} ({', '.join(kinds)})" if kinds else event for event, kinds in groups)
