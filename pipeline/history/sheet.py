"""A titled table, written as Markdown or on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.table import Table

from pipeline import table_formats

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
        for part in (f"**{sheet.title}**", table_formats.markdown(sheet.columns) if sheet.filled else "", sheet.note)
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def show(sheets: Iterable[Sheet]) -> None:
    """Print on the terminal."""
    console = table_formats.console(PIPE_WIDTH)
    for sheet in sheets:
        if sheet.filled:
            console.print(_table(sheet))
        else:
            console.print(sheet.title, style="bold")
        if sheet.note:
            console.print(sheet.note, style="dim", soft_wrap=True)


def _table(sheet: Sheet) -> Table:
    table = table_formats.terminal_table(sheet.title)
    for title, *_ in sheet.columns:
        table.add_column(title, justify="left" if title in table_formats.WORDS else "right", overflow="fold")
    for cells in list(zip(*sheet.columns, strict=True))[1:]:
        table.add_row(*cells)
    return table
