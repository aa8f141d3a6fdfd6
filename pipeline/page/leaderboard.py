"""A board as a table: models, then controls; each number with its training interval, both intervals drawn below it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pipeline.page.spread import Scale, scale
from pipeline.report import page, tabular
from pipeline.report.board import Board, Standing
from pipeline.results.column import DASH, bound, column

PAIRS = "[comparisons.csv](comparisons.csv)", "comparisons.csv"
"""What links in Markdown, and what stands for it here."""
DRAWN = ("nats", "bits_per_dim", "frechet", "precision", "recall", "coverage")
"""Metrics whose intervals are drawn."""


class Cell(NamedTuple):
    """`note` is the interval beside the number, `bar` the style of what is drawn; `blind`: of a metric that is not
    informative on the task."""

    text: str
    note: str = ""
    bar: str = ""
    best: bool = False
    blind: bool = False


class Row(NamedTuple):
    model: str
    family: str
    role: str
    control: bool
    seeds: str
    recorded: bool
    """Whether it stands below, with its seeds or where it was scored from: a model without a measured seed does not."""
    cells: list[Cell]


class Protocol(NamedTuple):
    metric: str
    kind: str
    protocol: str


class Table(NamedTuple):
    """`heads` are the titles of the cells; `notes` what the table's reader has to know."""

    heads: list[str]
    models: list[Row]
    controls: list[Row]
    note: str


def table(board: Board) -> Table:
    columns = [made for metric in tabular.metrics(board, "quality") for made in _columns(board, metric)]
    roles = tabular.roles(board)
    rows = [
        _row(s, role, [cells[place] for _, cells in columns])
        for place, (s, role) in enumerate(zip(board.standings, roles, strict=True))
    ]
    heads = [head for head, _ in columns]
    models, controls = ([row for row in rows if row.control is control] for control in (False, True))
    return Table(heads, models, controls, page.sentences(board, "quality").replace(*PAIRS))


def _row(s: Standing, role: str, cells: list[Cell]) -> Row:
    return Row(s.model, s.family, _role(s, role), s.control, tabular.seeds(s), bool(s.cells) or s.external, cells)


def _role(standing: Standing, role: str) -> str:
    return f"{role}, {standing.trust}" if standing.external else role


def _columns(board: Board, metric: str) -> Iterator[tuple[str, list[Cell]]]:
    """The metric's column; beside the likelihood its kind; beside what orders the rows, rank and P(best)."""
    shared, best = scale(board, metric) if metric in DRAWN else None, tabular.best(board, metric)
    cells = [_cell(s, metric, shared, best) for s in board.standings]
    blind = metric in board.blind
    yield tabular.title(board, metric), [cell._replace(blind=True, bar="") for cell in cells] if blind else cells
    if metric == board.likelihood:
        yield "kind", [Cell(bound(s.scores[metric].kind) if metric in s.scores else DASH) for s in board.standings]
    if metric in (board.likelihood, "frechet") and board.ranks[metric]:
        yield "rank", [Cell(tabular.rank(board, metric, s.model)) for s in board.standings]
        yield "P(best)", [Cell(tabular.chance(board, metric, s.model)) for s in board.standings]


def _cell(standing: Standing, metric: str, shared: Scale | None, best: str | None) -> Cell:
    if metric not in standing.scores:
        return Cell(DASH)
    score, style = standing.scores[metric], column(metric)
    mean, low, high, _ = score.interval
    number = style.text(mean)
    return Cell(
        text=tabular.sign(metric, score.kind) + number,
        note=style.spread(mean, low, high, score.log).removeprefix(number).strip(),
        bar=shared.bar(standing, metric).style if shared else "",
        best=standing.role == "model" and number == best and not score.flatters,
    )


def protocols(boards: Sequence[Board]) -> dict[str, Sequence[Protocol]]:
    """For each task, how each number on its boards was measured: no two boards differ in it."""
    found: dict[str, dict[Protocol, None]] = {}
    for board in boards:
        for metric in (m for m in board.protocols if column(m).table != "reference"):
            for kind, protocol in board.protocols[metric].items():
                row = Protocol(column(metric).title, bound(kind), protocol)
                found.setdefault(board.task, {})[row] = None
    return {task: list(rows) for task, rows in found.items()}
