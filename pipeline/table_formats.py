"""The model of a table, and its formats: Markdown (tabulate), LaTeX (pandas), terminal (rich)."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Literal, NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table as TerminalTable
from tabulate import tabulate

Emphasis = Literal["plain", "best", "control", "blind"]
"""`best`: the best model of its column; `control`: a control model; `blind`: of a metric that is not informative on the
task."""


class TableCell(NamedTuple):
    """`interval` follows the number: '± 0.02', or '[0.1, 0.3]'."""

    number: str
    emphasis: Emphasis = "plain"
    interval: str = ""

    @property
    def text(self) -> str:
        return f"{self.number} {self.interval}".rstrip()


class TableColumn(NamedTuple):
    """`metric` is empty where the cells are no values of one."""

    title: str
    cells: Sequence[TableCell]
    metric: str = ""


WORDS = (
    *("model", "family", "trust", "seeds", "kind", "keyword", "takes", "default", "verdict"),
    *("task", "metric", "when", "commit", "cause", "changed", "protocol", "why"),
)
"""Titles of columns that are aligned to the left; all others hold numbers."""
MARKDOWN: dict[Emphasis, str] = {"plain": "{}", "best": "**{}**", "control": "*{}*", "blind": "({})"}
CSS: dict[Emphasis, str] = {
    "plain": "", "best": "font-weight: bold", "control": "font-style: italic", "blind": "color: gray",
}  # fmt: skip
ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
        "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
        "|": r"\textbar{}", "—": "---", "–": "--", "±": r"$\pm$", "≤": r"$\leq$", "≥": r"$\geq$", "∞": r"$\infty$",
        "‖": r"$\Vert$", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "×": r"$\times$",
    }
)  # fmt: skip
MINUS = re.compile(r"(?<![\w-])-(?=\d)")
"""Before a number, not within a word."""


def markdown(columns: Sequence[Sequence[str]]) -> str:
    """Columns, each its title and then its cells, as a table."""
    titles, *rows = zip(*([cell.replace("|", "\\|") for cell in column] for column in columns), strict=True)
    sides = ["left" if title in WORDS else "right" for title in titles]
    return tabulate(rows, titles, tablefmt="pipe", colalign=sides, disable_numparse=True)


def emphasised_markdown(columns: Sequence[TableColumn]) -> str:
    """The best in bold, controls in italics, numbers of blind metrics in parentheses."""
    return markdown([[c.title, *(MARKDOWN[cell.emphasis].format(cell.text) for cell in c.cells)] for c in columns])


def latex(columns: Sequence[TableColumn], caption: str, label: str) -> str:
    """A table for the packages booktabs, graphicx (`\\resizebox`) and xcolor (`\\color`). Controls stand below a rule.

    Args:
        columns: their texts are escaped: none of them is a command.
        caption: is escaped as well.
        label: words and hyphens; not escaped.
    """
    import pandas as pd  # after the terminal's commands, which have no use for it

    titles, rows = [escaped(c.title) for c in columns], list(zip(*(c.cells for c in columns), strict=True))
    body = pd.DataFrame([[escaped(cell.text) for cell in row] for row in rows])
    css = pd.DataFrame([[CSS[cell.emphasis] for cell in row] for row in rows])
    first = next((place for place, row in enumerate(rows) if row[0].emphasis == "control"), 0)
    sides = "".join("l" if c.title in WORDS else "r" for c in columns)
    style = body.style.apply(lambda _: css, axis=None).hide(axis="index").relabel_index(titles, axis="columns")
    tabular = style.to_latex(column_format=sides, hrules=True, convert_css=True)
    lines = tabular.rstrip().splitlines()
    if first:
        lines.insert(lines.index(r"\midrule") + 1 + first, r"\midrule")
    return "\n".join([
        r"\begin{table}", r"\centering", rf"\caption{{{escaped(caption)}}}", rf"\label{{{label}}}",
        r"\resizebox{\textwidth}{!}{%", *lines, "}", r"\end{table}",
    ])  # fmt: skip


def escaped(text: str) -> str:
    """LaTeX that prints `text`."""
    return MINUS.sub("$-$", text.translate(ESCAPES))


def console(piped: int) -> Console:
    """As wide as the terminal; `piped` columns where the output is no terminal."""
    return Console(width=None if sys.stdout.isatty() else piped, highlight=False, markup=False, emoji=False)


def terminal_table(title: str) -> TerminalTable:
    return TerminalTable(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
