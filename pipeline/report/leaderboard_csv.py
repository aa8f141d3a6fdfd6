"""leaderboard.csv: the boards for machines, one task and model a row; empty where a metric does not apply."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from pipeline.report.leaderboard import Board, Standing
from pipeline.results.column import column, ordered
from pipeline.results.table import compact

KEYS = ("suite", "task", "model", "family", "role", "trust", "seeds", "status", "not_converged", "blind")
FIELDS = ("mean", "low", "high", "kind", "rank", "letters", "best")

PAIR = ("a", "b", "difference", "low", "high", "test", "p", "holm", "apart", "needed")


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


def pairs(boards: Sequence[Board]) -> str:
    """comparisons.csv: every pair of models that compete on a metric, `apart` where Holm's p is below 5 %."""
    rows = [
        (board.suite, board.task, metric, board.logged(metric), *(getattr(pair, field) for field in PAIR))
        for board in boards
        for metric, compared in board.comparisons.items()
        if column(metric).table in ("quality", "file")
        for pair in compared.pairs
    ]
    frame = pd.DataFrame(rows, columns=["suite", "task", "metric", "log", *PAIR])
    frame["needed"] = frame["needed"].astype("Int64")
    return frame.to_csv(index=False, lineterminator="\n", float_format="%.6g")


def _shown(metric: str) -> bool:
    return column(metric).table != "reference"


def _number(value: float | None) -> str:
    return "" if value is None else compact(value)
