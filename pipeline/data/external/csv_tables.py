"""csv tables: negative log-likelihoods of the test items under a model, or published metrics of it.

    nats            bits            bits_per_dim        metric,value
    113.2           163.4           2.55                frechet,3.4
    ...             ...             ...                 bits_per_dim,1.71

The first three have one line for each test item, in the order of the split.
bits = nats / ln 2; bits_per_dim = bits / D.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor

from pipeline.contract import Event
from pipeline.errors import UserError, suggest

LARGEST = 2**24
"""Bytes of a table, 16 MiB: half a million items."""
UNITS = ("nats", "bits", "bits_per_dim")


def read_log_likelihoods(path: Path, event: Event, count: int) -> Tensor:
    """(T,) float64 nats: minus what the table holds.

    Raises:
        UserError: the header names no unit, a line is no finite number, there are not `count` of them, or one of an
            image, whose likelihood is a probability mass, is negative.
    """
    head, *lines = _read_rows(path)
    unit = head[0].strip() if len(head) == 1 else ""
    if unit not in UNITS:
        raise UserError(f"{path}: the header {','.join(head)!r} names no unit; {suggest(unit, UNITS)}")
    nats = {"nats": 1.0, "bits": math.log(2), "bits_per_dim": event.dims * math.log(2)}[unit]
    values = [_parse_number(row[0], f"{path}, line {line}") for line, row in enumerate(lines, start=2)]
    negative = next((k for k, value in enumerate(values) if value < 0), None)
    if event.levels is not None and negative is not None:
        what = "an image" if event.kind == "images" else "a sequence"
        raise UserError(
            f"{path}, line {negative + 2}: {values[negative]:g} {unit} would be a probability above 1 of {what}: "
            "give -log p of the discrete levels, neither log p nor that of a density"
        )
    if len(values) != count:
        raise UserError(f"{path} holds {len(values):,} numbers: the test split has {count:,} items, one line for each")
    return -nats * torch.tensor(values, dtype=torch.float64)


def read_metrics(path: Path, allowed: Iterable[str]) -> dict[str, float]:
    """Metric -> value.

    Raises:
        UserError: the columns are not metric,value, a metric is not `allowed` or named twice, a value is not finite.
    """
    head, *lines = _read_rows(path)
    names, found = list(allowed), dict[str, float]()
    if head != ["metric", "value"] or not lines:
        raise UserError(
            f"{path} has the columns {','.join(head)!r}: a table of metrics has metric,value, and a line each"
        )
    for line, row in enumerate(lines, start=2):
        where, name = f"{path}, line {line}", row[0]
        if name not in names:
            raise UserError(f"{where}: unknown metric {name!r}; {suggest(name, names)}")
        if name in found or len(row) != 2:
            raise UserError(f"{where}: {name} {'is named twice' if name in found else 'wants one value'}")
        found[name] = _parse_number(row[1], where)
    return found


def _read_rows(path: Path) -> list[list[str]]:
    """The lines that hold something."""
    if not path.is_file():
        raise UserError(f"{path} is {'not a file' if path.exists() else 'missing'}: give a .csv")
    if path.stat().st_size > LARGEST:
        raise UserError(f"{path} has more than {LARGEST:,} bytes: give one number a line")
    try:
        rows = [row for row in csv.reader(path.read_text(encoding="utf-8-sig").splitlines()) if row]
    except (UnicodeDecodeError, csv.Error):
        raise UserError(f"{path} is no csv in UTF-8") from None
    if not rows:
        raise UserError(f"{path} is empty: the first line names the column")
    return rows


def _parse_number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"{where}: {text!r} is no finite number")
    return value
