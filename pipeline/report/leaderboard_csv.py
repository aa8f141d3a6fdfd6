"""leaderboard.csv: the boards for machines, one task and model a row; empty where a metric does not apply."""

from __future__ import annotations

import csv as csv_reader
import io
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.report.leaderboard import Board, Standing
from pipeline.results import item_scores
from pipeline.results.column import LIKELIHOODS, column, ordered
from pipeline.results.table import compact
from pipeline.statistics.item_pairs import paired_intervals

KEYS = ("suite", "task", "model", "family", "role", "trust", "seeds", "status", "not_converged", "blind")
FIELDS = ("mean", "low", "high", "kind", "rank", "letters", "best")

ITEMS = ("items_low", "items_high", "both_low", "both_high")
PAIR_KEY = ("suite", "task", "metric", "a", "b")
PAIR = ("a", "b", "difference", "low", "high", "test", "p", "holm", "apart", "needed")
Ends = tuple[float | None, ...]
ABSENT: Ends = (None,) * len(ITEMS)


def csv(boards: Sequence[Board]) -> str:
    """The boards as a table for programs.

    `seeds` counts the measured ones, `not_converged` lists those of them whose training had not converged, separated by
    blanks; `<metric>_low` and `_high` bound the 95 % t interval over them; `blind` lists the
    metrics that are not informative on the task, separated by blanks.
    """
    metrics = ordered(metric for board in boards for metric in board.protocols if _shown(metric))
    columns = [*KEYS, *(f"{metric}_{field}" for metric in metrics for field in FIELDS)]
    rows = [_row(board, standing) for board in boards for standing in board.standings]
    return pd.DataFrame(rows, columns=columns).to_csv(index=False, lineterminator="\n")


def _row(board: Board, standing: Standing) -> dict[str, str]:
    row = {"suite": board.suite, "task": board.task, "seeds": "" if standing.external else str(len(standing.cells))}
    row["not_converged"] = " ".join(map(str, standing.unconverged))
    row["blind"] = " ".join(metric for metric in board.blind if _shown(metric))
    row |= {key: getattr(standing, key) for key in ("model", "family", "role", "trust", "status")}
    for metric, score in ((name, s) for name, s in standing.scores.items() if _shown(name)):
        mean, low, high = (score.interval.mean, score.interval.low, score.interval.high)
        rank = board.ranks[metric].get(standing.model)
        compared = board.comparisons[metric]
        pairwise = compared.letters.get(standing.model, ""), _number(compared.p_best.get(standing.model))
        texts = (_number(mean), _number(low), _number(high), score.kind, rank.text() if rank else "", *pairwise)
        row |= {f"{metric}_{field}": text for field, text in zip(FIELDS, texts, strict=True)}
    return row


def pairs(boards: Sequence[Board], committed: str = "") -> str:
    """comparisons.csv: every pair of models that compete on a metric, `apart` where Holm's p is below 5 %.

    `low` and `high` bound the interval over seeds. Of likelihoods, `items_low` and `items_high` bound that over test
    items, which both models score, `both_low` and `both_high` that over seeds and items
    (`pipeline.statistics.item_pairs`); empty where the cells have no scores of single items.

    Args:
        boards: the leaderboards.
        committed: the text of the last comparisons.csv. A pair with a model that was not measured in this folder, so
            that its scores of single items are absent, has the intervals that it has there.
    """
    kept = _item_ends_of(committed)
    rows = [
        (board.suite, board.task, metric, board.logged(metric), *(getattr(pair, field) for field in PAIR), *ends)
        for board in boards
        for metric, compared in board.comparisons.items()
        if column(metric).table in ("quality", "file")
        for pair, ends in zip(compared.pairs, _item_ends(board, metric, kept), strict=True)
    ]
    frame = pd.DataFrame(rows, columns=["suite", "task", "metric", "log", *PAIR, *ITEMS])
    frame["needed"] = frame["needed"].astype("Int64")
    return frame.to_csv(index=False, lineterminator="\n", float_format="%.6g")


def _item_ends_of(text: str) -> dict[tuple[str, ...], Ends]:
    """(suite, task, metric, a, b) -> the values of `ITEMS` in the text of a comparisons.csv."""
    rows = csv_reader.DictReader(io.StringIO(text))
    if not {*PAIR_KEY, *ITEMS} <= set(rows.fieldnames or ()):
        return {}
    return {
        tuple(row[key] for key in PAIR_KEY): tuple(float(row[end]) for end in ITEMS)
        for row in rows
        if all(row[end] for end in ITEMS)
    }


def _item_ends(board: Board, metric: str, kept: Mapping[tuple[str, ...], Ends]) -> Iterator[Ends]:
    """The values of `ITEMS` of each pair of a metric."""
    compared = board.comparisons[metric].pairs
    scores: dict[str, NDArray[np.float64]] = {}
    if metric in LIKELIHOODS and compared:
        names = {name for pair in compared for name in (pair.a, pair.b)}
        for standing in (s for s in board.standings if s.model in names and not s.committed):
            found = item_scores.mean_over_seeds(standing.cells)
            scores |= {} if found is None else {standing.model: found}
    sources = item_scores.sources(board.task) if len(scores) > 1 else None
    elsewhere = {standing.model for standing in board.standings if standing.committed}
    for pair in compared:
        if scores.keys() >= {pair.a, pair.b}:
            items, both = paired_intervals(pair, scores, sources)
            yield items.low, items.high, both.low, both.high
        elif elsewhere & {pair.a, pair.b}:
            yield kept.get((board.suite, board.task, metric, pair.a, pair.b), ABSENT)
        else:
            yield ABSENT


def _shown(metric: str) -> bool:
    return column(metric).table != "reference"


def _number(value: float | None) -> str:
    return "" if value is None else compact(value)
