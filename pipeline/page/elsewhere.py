"""A row that was scored from files, where it leads to: its record, its samples if they were seen, and its command."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from pipeline.page.pictures import Gallery, Picture
from pipeline.report.board import Board, Standing
from pipeline.results import external


class Elsewhere(NamedTuple):
    """`record`: its file, from the page's folder."""

    model: str
    trust: str
    record: str
    pictures: tuple[Picture, ...]
    command: str


def first(boards: Iterable[Board]) -> dict[int, list[Standing]]:
    """id of a board -> what was scored on its task, on the first board of each task."""
    tasks: dict[str, Board] = {}
    for board in boards:
        tasks.setdefault(board.task, board)
    return {id(board): [s for s in board.standings if s.external] for board in tasks.values()}


def elsewhere(task: str, standing: Standing, gallery: Gallery) -> Elsewhere:
    sheet = external.sheet(task, standing.model)
    return Elsewhere(
        model=standing.model,
        trust=standing.trust,
        record=external.path(task, standing.model).relative_to(external.FOLDER.parent).as_posix(),
        pictures=(gallery.kept(sheet, standing),) if sheet.exists() else (),
        command=external.command(task, standing.model),
    )
