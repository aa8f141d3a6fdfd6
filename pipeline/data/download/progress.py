"""How far a transfer is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

LINES = 5  # plain lines of one transfer
MEGABYTE = 1_000_000


@contextmanager
def transfer(title: str, total: int, console: Console | None = None) -> Iterator[Callable[[int], None]]:
    """Yield what is told of each block, in bytes; `total` is 0 where it is not known."""
    console = console or Console()
    if not console.is_terminal:
        yield _Lines(title, total)
        return
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(TextColumn("{task.description}"), *columns, console=console) as bar:
        task = bar.add_task(title, total=total or None)
        yield lambda count: bar.advance(task, count)


class _Lines:
    def __init__(self, title: str, total: int) -> None:
        self.title, self.total, self.done, self.said = title, total, 0, 0

    def __call__(self, count: int) -> None:
        self.done += count
        step = self.total / LINES if self.total else 10 * MEGABYTE
        if self.done - self.said >= step or self.done == self.total:
            self.said = self.done
            of = f" of {self.total / MEGABYTE:.1f}" if self.total else ""
            print(f"{self.title}  {self.done / MEGABYTE:.1f}{of} MB", flush=True)
