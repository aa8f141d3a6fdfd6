"""One model on one task: the numbers of each seed behind its means, what names them in dvc.lock, its samples, and the
command that measures it again.

A page that named a git commit would have to name its own. So a seed's numbers are named by what DVC hashes them to: its
entry of dvc.lock leads to the data, the weights, the parameters and the code, and git to the commit that brought it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pipeline import files, paths
from pipeline.page.pictures import Picture
from pipeline.paths import Cell
from pipeline.report.board import Board, Score, Standing
from pipeline.results.column import DASH, bound, column, ordered

DIGITS = 8
"""Of a hash: enough to find it in dvc.lock and in its history."""


@dataclass(frozen=True)
class Number:
    """One metric; `seeds` in the order of the record's, `between`: the sampling interval of the record's first."""

    metric: str
    kind: str
    seeds: list[str]
    between: str


@dataclass(frozen=True)
class Record:
    """`suite`, `task`: the board whose protocols hold for it."""

    suite: str
    standing: Standing
    seeds: list[int]
    locks: list[str]
    """Of each seed, how its metrics file's hash in dvc.lock begins."""
    first: int
    """The seed that the pictures and the sampling intervals are of."""
    numbers: list[Number]
    command: str
    pictures: list[Picture]

    @property
    def task(self) -> str:
        return self.standing.cells[0].task

    @property
    def model(self) -> str:
        return self.standing.model


def fullest(boards: Iterable[Board]) -> list[tuple[Board, Standing]]:
    """Each measured model of each task once, from the board that knows most of its seeds, the first of these."""
    found: dict[tuple[str, str], tuple[Board, Standing]] = {}
    for board in boards:
        for standing in board.standings:
            key = (board.task, standing.model)
            if standing.cells and (key not in found or len(standing.cells) > len(found[key][1].cells)):
                found[key] = board, standing
    return list(found.values())


def record(board: Board, standing: Standing, pictures: Sequence[Picture]) -> Record:
    cells = sorted(standing.cells, key=lambda cell: cell.seed)
    seeds = [cell.seed for cell in cells]
    return Record(
        suite=board.suite,
        standing=standing,
        seeds=seeds,
        locks=[lock(cell) for cell in cells],
        first=standing.cells[0].seed,
        numbers=list(_numbers(standing, seeds)),
        command=_command(standing, seeds),
        pictures=list(pictures),
    )


def lock(cell: Cell) -> str:
    return files.md5(paths.metrics(cell))[:DIGITS]


def _numbers(standing: Standing, seeds: Sequence[int]) -> Iterator[Number]:
    for metric in ordered(standing.scores):
        if column(metric).table != "reference":
            score, text = standing.scores[metric], column(metric).text
            values = [text(_value(score, seed)) if seed in score.seeds else DASH for seed in seeds]
            sampled = standing.sampled.get(metric)
            between = "" if sampled is None or sampled.low is None or sampled.high is None else (
                f"{text(sampled.low)} to {text(sampled.high)}"
            )  # fmt: skip
            yield Number(column(metric).title, _kind(score.kind), values, between)


def _value(score: Score, seed: int) -> float:
    return math.exp(score.seeds[seed]) if score.log else score.seeds[seed]


def _kind(kind: str) -> str:
    """What needs saying: an estimate or a measured number is the rule."""
    return "" if kind in ("estimate", "measured") else bound(kind)


def _command(standing: Standing, seeds: Sequence[int]) -> str:
    """One line of a shell that measures every seed again."""
    cell, several = standing.cells[0], len(seeds) > 1
    command = f"coverseek evaluate --task {cell.task} --model {cell.model} --seed {'$seed' if several else cell.seed}"
    return f"for seed in {' '.join(map(str, seeds))}; do {command}; done" if several else command
