"""results.csv: every number of every seed, tidy: one number a row (Wickham 2014, J. Stat. Software 59(10))."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from pipeline.errors import UserError
from pipeline.results.column import ordered
from pipeline.results.outcomes import Outcome

CELL = ("suite", "task", "condition", "model", "family", "seed")
NUMBER = ("metric", "value", "sampling_low", "sampling_high", "unit", "better", "kind", "protocol")
IDENTITY = ("split", "version", "protocol_id")
"""What defines a number beside its kind and its protocol's words, and a name for all of it."""
SAMPLING = ("sampling_low", "sampling_high")
DIGITS = 6
"""Significant digits on file: more than any metric's noise, few enough for a readable diff."""


def tidy(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """The numbers of all measured cells, in the order of the grid, then of the columns.

    Raises:
        UserError: one kind of one metric of one task has two protocol ids, so that its numbers cannot be compared.
    """
    rows = [
        (o.suite, o.cell.task, o.condition, o.cell.model, o.family, o.cell.seed, name, *_number(o, name))
        for o in outcomes
        for name in ordered(o.metrics)
    ]
    frame = pd.DataFrame(rows, columns=[*CELL, *NUMBER, *IDENTITY]).astype(dict.fromkeys(SAMPLING, float))
    _refuse_mixed_protocols(frame)
    return frame


TURN = ("setting", "precision", "recall", "frechet", "obedience")


def turned(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """Every setting of every knob that was turned."""
    rows = [
        (o.cell.task, o.cell.model, o.family, o.cell.seed, o.knob, *(getattr(turn, name) for name in TURN))
        for o in outcomes
        for turn in o.turns
    ]
    return pd.DataFrame(rows, columns=["task", "model", "family", "seed", "knob", *TURN])


def csv(frame: pd.DataFrame) -> str:
    """`sampling_low` and `sampling_high`: the 95 % bootstrap interval over samples and test items, empty where none is
    known; the interval over training seeds is in leaderboard.csv."""
    numbers = {name: frame[name].map(compact, na_action="ignore") for name in ("value", *SAMPLING)}
    return frame.assign(**numbers).to_csv(index=False, lineterminator="\n")


def compact(value: float) -> str:
    """Whole numbers whole, all else with six significant digits: reading and writing again changes nothing."""
    rounded = float(value) if float(value).is_integer() else float(format(value, f".{DIGITS}g"))
    return str(int(rounded)) if rounded.is_integer() else format(rounded, f".{DIGITS}g")


def _number(outcome: Outcome, name: str) -> tuple[object, ...]:
    m, defined = outcome.metrics[name], outcome.protocol(name)
    identity = defined.split, defined.version, defined.id
    return m.value, m.low, m.high, m.unit, m.better, m.kind, m.protocol, *identity


def _refuse_mixed_protocols(frame: pd.DataFrame) -> None:
    for (task, metric, kind), column in frame.groupby(["task", "metric", "kind"], sort=False):
        first = column.drop_duplicates("protocol_id")
        if len(first) > 1:
            one, two = (row for _, row in first.head(2).iterrows())
            field = next(name for name in ("protocol", "split", "version") if one[name] != two[name])
            a, b = (f"{row['model']} seed {row['seed']}: {row[field]!r}" for row in (one, two))
            raise UserError(
                f"{metric} ({kind}) of {task} holds two protocols, which cannot be compared: they differ in {field} "
                f"({a}; {b}); measure both again with: coverseek run"
            )
