"""A titled table, written as Markdown or on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table

from pipeline.report import markdown

PIPE_WIDTH = 160
"""Columns to write when nobody's terminal says how wide it is."""


class Sheet(NamedTuple):
    """`columns`: each its title and then its cells; a sheet without cells is its title and its `note` alone."""

    title: str
    columns: Sequence[Sequence[str]]
    note: str = ""

    @property
    def filled(self) -> bool:
        return bool(self.columns) and len(self.columns[0]) > 1


def as_markdown(sheets: Iterable[Sheet]) -> str:
    parts = (
        part
        for sheet in sheets
        for part in (f"**{sheet.title}**", markdown.table(sheet.columns) if sheet.filled else "", sheet.note)
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def show(sheets: Iterable[Sheet]) -> None:
    """Print on the terminal."""
    console = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False, markup=False, emoji=False)
    for sheet in sheets:
        if sheet.filled:
            console.print(_table(sheet))
        else:
            console.print(sheet.title, style="bold")
        if sheet.note:
            console.print(sheet.note, style="dim", soft_wrap=True)


def _table(sheet: Sheet) -> Table:
    table = Table(
        title=sheet.title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    for title, *_ in sheet.columns:
        table.add_column(title, justify="left" if title in markdown.WORDS else "right", overflow="fold")
    for cells in list(zip(*sheet.columns, strict=True))[1:]:
        table.add_row(*cells)
    return table
