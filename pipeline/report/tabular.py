"""A board as a table: columns of texts, some of which stand out. How that is written is the page's and `latex`'s."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from pipeline.report import family, reference_values
from pipeline.report.board import Board, Standing
from pipeline.results.column import DASH, LIKELIHOODS, arrow, bound, column
from pipeline.statistics.intervals import Interval

CONTROLS = {
    "oracle": "ceiling: the truth",
    "real": "ceiling: held-out data",
    "copycat": "copies the training set",
    "collapsed": "floor: one mode",
    "noise": "floor: uniform",
    "marginal": "floor: independent pixels",
}
NEAREST = {"real": "held-out item of the nearest condition", "copycat": "training item of the nearest condition"}
"""What the controls are where an item may have its condition to itself."""
BOUNDS = ("<=", ">=")

Kind = Literal["quality", "cost"]


class Text(NamedTuple):
    """One cell: `best` is the best model of its column, `control` a control model, `blind` a number of a metric that is
    not informative on the task."""

    words: str
    emphasis: Literal["plain", "best", "control", "blind"] = "plain"


class Titled(NamedTuple):
    """A column."""

    title: str
    texts: Sequence[Text]


def columns(board: Board, kind: Kind) -> list[Titled]:
    """A row for each standing, in the board's order."""
    found = [Titled("model", [_named(s, s.model) for s in board.standings]), Titled("family", _families(board))]
    if kind == "quality":
        if any(s.external for s in board.standings):
            found.append(Titled("trust", [Text(s.trust) for s in board.standings]))
        found.append(Titled("seeds", [Text(seeds(s)) for s in board.standings]))
    for metric in metrics(board, kind):
        found += _columns(board, metric)
    return found


def sampled(board: Board) -> list[Titled]:
    """The sampling intervals of the first seed."""
    found = [Titled("model", [_named(s, s.model) for s in board.standings])]
    for metric in (m for m in metrics(board, "quality") if any(m in s.sampled for s in board.standings)):
        spans = [Text(_between(s.sampled.get(metric), metric)) for s in board.standings]
        found.append(Titled(column(metric).title, spans))
    return found


def metrics(board: Board, kind: Kind) -> list[str]:
    return [metric for metric in board.protocols if column(metric).table == kind]


def _columns(board: Board, metric: str) -> list[Titled]:
    """The metric's column; beside the likelihood its kind; beside what orders the rows, the rank where one has one."""
    found = [Titled(title(board, metric), _values(board, metric))]
    if metric == board.likelihood:
        kinds = (bound(s.scores[metric].kind) if metric in s.scores else DASH for s in board.standings)
        found.append(Titled("kind", [Text(kind) for kind in kinds]))
    if metric in (board.likelihood, "frechet") and board.ranks[metric]:
        found.append(Titled("rank", [Text(rank(board, metric, s.model)) for s in board.standings]))
        found.append(Titled("P(best)", [Text(chance(board, metric, s.model)) for s in board.standings]))
    return found


def title(board: Board, metric: str) -> str:
    """'recall ↑', and 'recall ↑ (blind)' where the metric is not informative on the task."""
    return column(metric).title + arrow(board.better(metric)) + (" (blind)" if metric in board.blind else "")


def rank(board: Board, metric: str, model: str) -> str:
    """'1–3 ab'"""
    place = board.ranks[metric].get(model)
    return f"{place.text('–')} {board.comparisons[metric].letters.get(model, '')}".rstrip() if place else DASH


def chance(board: Board, metric: str, model: str) -> str:
    """P(best): '0.85'"""
    share = board.comparisons[metric].best.get(model)
    return DASH if share is None else f"{share:.2f}"


def sign(metric: str, kind: str) -> str:
    """'≤ ' before a bound; a likelihood's stands in a column of its own."""
    return "" if metric in LIKELIHOODS or kind[:2] not in BOUNDS else bound(kind[:2]) + " "


def _values(board: Board, metric: str) -> list[Text]:
    top = best(board, metric)
    values = [_value(standing, metric, top) for standing in board.standings]
    return [text._replace(emphasis="blind") for text in values] if metric in board.blind else values


def _value(standing: Standing, metric: str, top: str | None) -> Text:
    if metric not in standing.scores:
        return Text(DASH)
    score, style = standing.scores[metric], column(metric)
    ends = style.spread(score.interval.mean, score.interval.low, score.interval.high, score.log)
    spread = sign(metric, score.kind) + ends
    if standing.role == "model" and style.text(score.interval.mean) == top and not score.flatters:
        return Text(spread, "best")
    return _named(standing, spread)


def best(board: Board, metric: str) -> str | None:
    """The best model's mean as it is printed: rows that print the same are equally best. None of a blind metric."""
    if metric in board.blind:
        return None
    better = board.better(metric)
    scores = [s.scores[metric] for s in board.standings if metric in s.scores and s.competes]
    means = [score.interval.mean for score in scores if not score.flatters]
    if better == "none" or not means:
        return None
    return column(metric).text(max(means) if better == "higher" else min(means))


def _named(standing: Standing, words: str) -> Text:
    return Text(words, "control" if standing.control else "plain")


def _families(board: Board) -> list[Text]:
    return [_named(s, role) for s, role in zip(board.standings, roles(board), strict=True)]


def roles(board: Board) -> list[str]:
    """The family of each model, with its code's size where that decides; of a control, what it is."""
    controls, images = (
        CONTROLS | NEAREST if reference_values.unshared(board) else CONTROLS,
        board.likelihood == "bits_per_dim",
    )
    return [
        controls.get(s.model, "control") if s.control else family.label(s.model, s.family, images)
        for s in board.standings
    ]


def seeds(standing: Standing) -> str:
    """'3', or '2; diverged at step 120 (critic), 1 of 3 seeds'"""
    if standing.external:
        return DASH if standing.status == "ok" else standing.status
    count = "1 seed" if len(standing.cells) == 1 else str(len(standing.cells))
    return count if standing.status == "ok" else f"{count}; {standing.status}"


def _between(interval: Interval | None, metric: str) -> str:
    """'0.71 to 0.80'"""
    if interval is None or interval.low is None or interval.high is None:
        return DASH
    return f"{column(metric).text(interval.low)} to {column(metric).text(interval.high)}"
