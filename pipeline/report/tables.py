"""The tables of a task, independent of their format: quality, cost, and the sampling intervals of the first seed."""

from __future__ import annotations

from typing import Literal

from pipeline.report import reference_values
from pipeline.report.leaderboard import Board, Standing
from pipeline.report.row_labels import control_label, family_label
from pipeline.results.column import DASH, LIKELIHOODS, arrow, bound, column
from pipeline.statistics.intervals import Interval
from pipeline.table_formats import TableCell, TableColumn

BOUNDS = ("<=", ">=")

Kind = Literal["quality", "cost"]


def columns(board: Board, kind: Kind) -> list[TableColumn]:
    """A row for each standing, in the board's order: who it is, then `metric_columns`."""
    found = [TableColumn("model", [_cell(s, s.model) for s in board.standings])]
    found.append(TableColumn("family", [_cell(s, role) for s, role in zip(board.standings, roles(board), strict=True)]))
    if kind == "quality":
        if any(s.external for s in board.standings):
            found.append(TableColumn("trust", [TableCell(s.trust) for s in board.standings]))
        found.append(TableColumn("seeds", [TableCell(seeds(s)) for s in board.standings]))
    return found + metric_columns(board, kind)


def metric_columns(board: Board, kind: Kind) -> list[TableColumn]:
    """Each metric; the likelihood with its kind; the two metrics that order the rows with rank and P(best)."""
    found = []
    for metric in metrics(board, kind):
        found.append(TableColumn(title(board, metric), _values(board, metric), metric))
        if metric == board.likelihood:
            kinds = (bound(s.scores[metric].kind) if metric in s.scores else DASH for s in board.standings)
            found.append(TableColumn("kind", list(map(TableCell, kinds))))
        if metric in (board.likelihood, "frechet") and board.ranks[metric]:
            found.append(TableColumn("rank", [TableCell(rank(board, metric, s.model)) for s in board.standings]))
            chances = (chance(board, metric, s.model) for s in board.standings)
            found.append(TableColumn("P(best)", list(map(TableCell, chances))))
    return found


def sampling(board: Board) -> list[TableColumn]:
    """The sampling intervals of the first seed."""
    found = [TableColumn("model", [_cell(s, s.model) for s in board.standings])]
    for metric in (m for m in metrics(board, "quality") if any(m in s.sampled for s in board.standings)):
        spans = [TableCell(between(s.sampled.get(metric), metric) or DASH) for s in board.standings]
        found.append(TableColumn(column(metric).title, spans, metric))
    return found


def metrics(board: Board, kind: Kind) -> list[str]:
    return [metric for metric in board.protocols if column(metric).table == kind]


def title(board: Board, metric: str) -> str:
    """'recall ↑', and 'recall ↑ (blind)' where the metric is not informative on the task."""
    return column(metric).title + arrow(board.better(metric)) + (" (blind)" if metric in board.blind else "")


def rank(board: Board, metric: str, model: str) -> str:
    """'1–3 ab'"""
    place = board.ranks[metric].get(model)
    return f"{place.text('–')} {board.comparisons[metric].letters.get(model, '')}".rstrip() if place else DASH


def chance(board: Board, metric: str, model: str) -> str:
    """P(best): '0.85'"""
    share = board.comparisons[metric].p_best.get(model)
    return DASH if share is None else f"{share:.2f}"


def best(board: Board, metric: str) -> str | None:
    """The best model's mean as it is printed: rows that print the same are equally best. None of a blind metric."""
    if metric in board.blind:
        return None
    better = board.better(metric)
    scores = [s.scores[metric] for s in board.standings if metric in s.scores and s.competes]
    means = [score.interval.mean for score in scores if not score.is_optimistic_bound]
    if better == "none" or not means:
        return None
    return column(metric).text(max(means) if better == "higher" else min(means))


def roles(board: Board) -> list[str]:
    """The family of each model, with its code's size where that decides; of a control, what it is."""
    shared, images = not reference_values.unshared(board), board.likelihood == "bits_per_dim"
    return [
        control_label(s.model, shared) if s.control else family_label(s.model, s.family, images)
        for s in board.standings
    ]


def seeds(standing: Standing) -> str:
    """'3', or '2; diverged at step 120 (critic), 1 of 3 seeds', or '3; 2 not converged'"""
    if standing.external:
        return DASH if standing.status == "ok" else standing.status
    count = "1 seed" if len(standing.cells) == 1 else str(len(standing.cells))
    rising = f"{len(standing.unconverged)} not converged" if standing.unconverged else ""
    return "; ".join(filter(None, (count, "" if standing.status == "ok" else standing.status, rising)))


def between(interval: Interval | None, metric: str) -> str:
    """'0.71 to 0.80'; empty without ends."""
    if interval is None or interval.low is None or interval.high is None:
        return ""
    return f"{column(metric).text(interval.low)} to {column(metric).text(interval.high)}"


def _values(board: Board, metric: str) -> list[TableCell]:
    top = best(board, metric)
    values = [_value(standing, metric, top) for standing in board.standings]
    return [cell._replace(emphasis="blind") for cell in values] if metric in board.blind else values


def _value(standing: Standing, metric: str, top: str | None) -> TableCell:
    if metric not in standing.scores:
        return TableCell(DASH)
    score, style = standing.scores[metric], column(metric)
    mean, low, high, _ = score.interval
    number = style.text(mean)
    interval = style.spread(mean, low, high, score.log).removeprefix(number).strip()
    shown = standing.role == "model" and number == top and not score.is_optimistic_bound
    cell = _cell(standing, _bound_prefix(metric, score.kind) + number)
    return cell._replace(interval=interval, emphasis="best" if shown else cell.emphasis)


def _bound_prefix(metric: str, kind: str) -> str:
    """'≤ ' before a bound; a likelihood's stands in a column of its own."""
    return "" if metric in LIKELIHOODS or kind[:2] not in BOUNDS else bound(kind[:2]) + " "


def _cell(standing: Standing, text: str) -> TableCell:
    return TableCell(text, "control" if standing.control else "plain")
