"""A titled table, written as Markdown or on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.table import Table

from pipeline import table_formats

PIPE_WIDTH = 160
"""Columns where the output is no terminal."""


class TitledTable(NamedTuple):
    """`columns`: each its title and then its cells. A table without cells is its title and its `note` alone."""

    title: str
    columns: Sequence[Sequence[str]]
    note: str = ""

    @classmethod
    def from_rows(cls, title: str, titles: Sequence[str], rows: Sequence[Sequence[str]], note: str = "") -> TitledTable:
        return cls(title, [list(cells) for cells in zip(titles, *rows, strict=True)], note)

    @property
    def filled(self) -> bool:
        return bool(self.columns) and len(self.columns[0]) > 1


def as_markdown(tables: Iterable[TitledTable]) -> str:
    parts = (
        part
        for table in tables
        for part in (f"**{table.title}**", table_formats.markdown(table.columns) if table.filled else "", table.note)
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def show(tables: Iterable[TitledTable]) -> None:
    """Print on the terminal."""
    console = table_formats.console(PIPE_WIDTH)
    for table in tables:
        if table.filled:
            console.print(_rendered(table))
        else:
            console.print(table.title, style="bold")
        if table.note:
            console.print(table.note, style="dim", soft_wrap=True)


def _rendered(source: TitledTable) -> Table:
    table = table_formats.terminal_table(source.title)
    for title, *_ in source.columns:
        table.add_column(title, justify="left" if title in table_formats.WORDS else "right", overflow="fold")
    for cells in list(zip(*source.columns, strict=True))[1:]:
        table.add_row(*cells)
    return table
