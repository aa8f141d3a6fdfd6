"""The record of a row: of a model trained here, the numbers of each seed, their hashes in dvc.lock, its samples and the
command that measures it again; of a model from elsewhere, its record, its samples and its command.

A page that named a git commit would have to name its own. So the numbers of a seed are named by their hash in DVC: its
entry of dvc.lock leads to the data, the weights, the parameters and the code, and git to the commit that added it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pipeline.html.sample_pictures import EmbeddedPicture, Gallery
from pipeline.report import tables
from pipeline.report.leaderboard import Board, SeedMean, Standing
from pipeline.results import external
from pipeline.results.column import DASH, bound, column, ordered


@dataclass(frozen=True)
class SeedNumbers:
    """One metric: its value of each seed of the record, and the sampling interval of the record's first."""

    metric: str
    kind: str
    seeds: list[str]
    sampled: str


@dataclass(frozen=True)
class CellRecord:
    """One model on one task.

    Attributes:
        standing: the model.
        seeds: its measured seeds.
        locks: of each seed, how the hash of its metrics file in dvc.lock begins.
        first: the seed that the pictures and the sampling intervals are of.
        numbers: every metric.
        command: a line of shell that measures every seed again.
        pictures: samples of the first seed; none where they are not in this folder.
    """

    standing: Standing
    seeds: list[int]
    locks: list[str]
    first: int
    numbers: list[SeedNumbers]
    command: str
    pictures: list[EmbeddedPicture]

    @property
    def task(self) -> str:
        return self.standing.cells[0].task

    @property
    def model(self) -> str:
        return self.standing.model


class ExternalRecord(NamedTuple):
    """A model that was scored from files. `record`: its file, from the page's folder."""

    model: str
    trust: str
    record: str
    pictures: tuple[EmbeddedPicture, ...]
    command: str


def fullest(boards: Iterable[Board]) -> list[tuple[Board, Standing]]:
    """Each measured model of each task once, from the first board that has most of its seeds."""
    found: dict[tuple[str, str], tuple[Board, Standing]] = {}
    for board in boards:
        for standing in board.standings:
            key = (board.task, standing.model)
            if standing.cells and (key not in found or len(standing.cells) > len(found[key][1].cells)):
                found[key] = board, standing
    return list(found.values())


def record(standing: Standing, pictures: Sequence[EmbeddedPicture]) -> CellRecord:
    cells = sorted(standing.cells, key=lambda cell: cell.seed)
    seeds = [cell.seed for cell in cells]
    return CellRecord(
        standing=standing,
        seeds=seeds,
        locks=[standing.locks.get(cell.seed, DASH) for cell in cells],
        first=standing.cells[0].seed,
        numbers=list(_numbers(standing, seeds)),
        command=_command(standing, seeds),
        pictures=list(pictures),
    )


def _numbers(standing: Standing, seeds: Sequence[int]) -> Iterator[SeedNumbers]:
    for metric in ordered(standing.scores):
        if column(metric).table != "reference":
            score, text = standing.scores[metric], column(metric).text
            values = [text(_value(score, seed)) if seed in score.seeds else DASH for seed in seeds]
            sampled = tables.between(standing.sampled.get(metric), metric)
            yield SeedNumbers(column(metric).title, _kind(score.kind), values, sampled)


def _value(score: SeedMean, seed: int) -> float:
    return math.exp(score.seeds[seed]) if score.log else score.seeds[seed]


def _kind(kind: str) -> str:
    """Empty of an estimate or a measured number, which most are."""
    return "" if kind in ("estimate", "measured") else bound(kind)


def _command(standing: Standing, seeds: Sequence[int]) -> str:
    cell, several = standing.cells[0], len(seeds) > 1
    command = f"coverseek evaluate --task {cell.task} --model {cell.model} --seed {'$seed' if several else cell.seed}"
    return f"for seed in {' '.join(map(str, seeds))}; do {command}; done" if several else command


def external_on(boards: Iterable[Board]) -> dict[int, list[Standing]]:
    """id of a board -> what was scored from files on its task, on the first board of each task."""
    tasks: dict[str, Board] = {}
    for board in boards:
        tasks.setdefault(board.task, board)
    return {id(board): [s for s in board.standings if s.external] for board in tasks.values()}


def external_record(task: str, standing: Standing, gallery: Gallery) -> ExternalRecord:
    sheet = external.sheet(task, standing.model)
    return ExternalRecord(
        model=standing.model,
        trust=standing.trust,
        record=external.path(task, standing.model).relative_to(external.FOLDER.parent).as_posix(),
        pictures=(gallery.from_file(sheet, standing),) if sheet.exists() else (),
        command=external.command(task, standing.model),
    )
