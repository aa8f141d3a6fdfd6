"""Tables on a terminal: how they look, and how wide they may be."""

from __future__ import annotations

import sys

from rich import box
from rich.console import Console
from rich.table import Table


def console(piped: int) -> Console:
    """As wide as the terminal; `piped` columns where nobody says how wide it is."""
    return Console(width=None if sys.stdout.isatty() else piped, highlight=False, markup=False, emoji=False)


def table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
