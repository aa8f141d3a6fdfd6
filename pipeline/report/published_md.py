"""published.md: what papers state beside what was measured here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from pipeline import paths
from pipeline.results.column import DASH, bound
from pipeline.results.published import PATH as SOURCE
from pipeline.results.published import PublishedTable
from pipeline.results.reproduction import Reproduction
from pipeline.table_formats import markdown

PATH = paths.LEADERBOARD_MD.with_name("published.md")
HEAD = f"""# Published numbers

What papers state beside what was measured here, in the paper's unit, from `{SOURCE}`. Difference: ours less the
published number, with the 95 % t interval over training seeds, or of one seed the sampling interval. The tolerance was
fixed before the cells ran.

*Reproduced*: the interval of the difference lies within the tolerance on both sides. *Better* or *not reproduced*: it
lies beyond it on one side. *Undecided*: it does neither. *Not compared*: no cell here has the paper's data protocol or
its model. A training that is shorter than the published one, or that had not converged, is named. Where the validation
curve follows a power law, the score that it would reach without end stands in the notes; no verdict depends on it.
"""

Reproduced = Sequence[tuple[PublishedTable, Sequence[Reproduction]]]
"""Each table with its numbers beside ours."""


def as_markdown(found: Reproduced) -> str:
    """The text of published.md."""
    return "\n".join(
        [HEAD, tally(found) if found else f"There is no {SOURCE}.", "", *(_section(*one) for one in found)]
    )


def tally(found: Reproduced) -> str:
    """'2 reproduced, 1 undecided, 3 not measured.'"""
    counts = Counter(one.verdict for _, rows in found for one in rows)
    return ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items(), key=lambda pair: -pair[1])) + "."


def _section(table: PublishedTable, rows: Sequence[Reproduction]) -> str:
    columns = [[title, *(cell(row) for row in rows)] for title, cell in COLUMNS.items()]
    notes = "\n".join(f"- {note}" for note in _notes(rows))
    return f"## {table.title}\n\n{markdown(columns)}\n\n{notes}\n"


def _notes(rows: Sequence[Reproduction]) -> list[str]:
    """Of each number its source and protocol, and what may explain a difference."""
    return [
        " ".join(filter(None, [
            f"{title(row)}, {value(row.number.value)}: {row.number.source}, {row.number.where}.",
            f"{row.number.protocol}.",
            f"Ours: {'; '.join(row.reasons)}." if row.reasons else "",
            _longer(row),
        ]))
        for row in rows
    ]  # fmt: skip


def _longer(row: Reproduction) -> str:
    """'Validation: 91.9 nats at the end, 90.1 without end by a power law.'"""
    if row.curve is None:
        return ""
    last, end = (f"{-score:,.4g}" for score in row.curve)
    return f"Validation: {last} nats at the end, {end} without end by a power law."


def title(row: Reproduction) -> str:
    """The model here, or the paper's name of one that no cell repeats."""
    return row.number.model or row.number.name or ""


def value(number: float) -> str:
    """As short as it is: 86.76, 1,000, 0.06."""
    return f"{number:,.10g}"


def ours(row: Reproduction) -> str:
    """'≤ 89.3 (IWAE-64)'; a dash where nothing is measured."""
    if row.ours is None:
        return DASH
    kind = bound(row.kind)
    sign, _, how = kind.partition(" ") if kind[:1] in "≤≥" else ("", "", "")
    return " ".join(filter(None, [sign, _digits(row.ours), how]))


def difference(row: Reproduction) -> str:
    """'+2.5 [+2.4, +2.6] (3 seeds)'"""
    if row.difference is None:
        return DASH
    mean, low, high, count = row.difference
    ends = "" if low is None or high is None else f" [{_signed(low)}, {_signed(high)}]"
    return f"{_signed(mean)}{ends} ({count} seed{'s' * (count > 1)})"


def _digits(number: float) -> str:
    return f"{number:,.4g}"


def _signed(number: float) -> str:
    return f"{number:+,.3g}"


COLUMNS: dict[str, Callable[[Reproduction], str]] = {
    "model": title,
    "task": lambda row: row.number.task or DASH,
    "unit": lambda row: row.number.unit,
    "published": lambda row: value(row.number.value),
    "ours": ours,
    "difference": difference,
    "tolerance": lambda row: value(row.number.tolerance),
    "verdict": lambda row: row.verdict,
}
"""Title -> the cells of the column."""
