"""`coverseek check`: the laws of the contract, put to a model, a dataset or an extractor, and a table of verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipeline.laws import inspection, target
from pipeline.laws.inspection import Outcome, Verdict
from pipeline.laws.models import BLIND
from pipeline.laws.target import Target
from pipeline.report import terminal
from pipeline.stages.leaderboard import PIPE_WIDTH

ORDER: tuple[Outcome, ...] = ("broken", "not served", "kept")


def main(word: str) -> int:
    """Print what became of each law. Returns the exit code: 1 if one is broken.

    Raises:
        UserError: the word names nothing that can be checked.
    """
    broken = 0
    for found in target.resolve(word):
        verdicts = list(_inspected(found))
        broken += sum(verdict.outcome == "broken" for verdict in verdicts)
        _show(found, verdicts)
    print(f"{broken} broken." if broken else "Every law is kept.")
    return 1 if broken else 0


def _inspected(found: Target) -> Iterator[Verdict]:
    match found.kind:
        case "model":
            blind = found.family == "control" and found.name.removesuffix("_points").removesuffix("_images") in BLIND
            return inspection.model(found.function, found.name, blind=blind)
        case "dataset":
            return inspection.dataset(found.function)
        case "extractor":
            return inspection.extractor(found.function)


def _show(found: Target, verdicts: Iterable[Verdict]) -> None:
    table = terminal.table(f"{found.kind} {found.title}")
    for heading in ("law", "verdict", "where"):
        table.add_column(heading)
    for row in rows(verdicts):
        table.add_row(*row)
    terminal.console(PIPE_WIDTH).print(table)


def rows(verdicts: Iterable[Verdict]) -> list[tuple[str, str, str]]:
    """(law, verdict, places), what is wrong first; places with one verdict share a row."""
    places: dict[tuple[str, Outcome, str], list[str]] = {}
    for verdict in verdicts:
        places.setdefault((verdict.law, verdict.outcome, verdict.words), []).append(verdict.place)
    return [
        (law, "ok" if outcome == "kept" else f"{outcome}: {words}", "; ".join(where))
        for wanted in ORDER
        for (law, outcome, words), where in places.items()
        if outcome == wanted
    ]
