"""What a user sees of a run: one bar on a terminal, one line for each step elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from pipeline.run.step import Result, Step

COLUMNS = ("{task.fields[left]}", "[dim]{task.fields[now]}")


class Lines:
    """Plain text, for a log or a pipe."""

    def __init__(self, total: int) -> None:
        self.total = total

    def settled(self, step: Step, result: Result, done: int, left: float | None) -> None:
        """A step came to its end; `left`: seconds that the others will take, None where that is not known yet."""
        if result.outcome in ("ran", "failed"):
            word = "FAILED after " if result.bad else ""
            rest = f", {time_left(left)}" if done < self.total else ""
            print(f"[{done}/{self.total}] {step.title} {word}{result.seconds:.1f} s{rest}", flush=True)

    def tick(self, running: Sequence[Step], done: int, left: float | None) -> None:
        """Some time passed."""


class Bar(Lines):
    """One live line; what failed stays above it."""

    def __init__(self, total: int, bar: Progress) -> None:
        super().__init__(total)
        self.bar, self.task = bar, bar.add_task("", total=total, left="", now="")

    def settled(self, step: Step, result: Result, done: int, left: float | None) -> None:
        if result.outcome == "failed":
            self.bar.console.print(f"[red]failed[/] {step.title}: {step.log}", highlight=False)
        self.bar.update(self.task, completed=done)

    def tick(self, running: Sequence[Step], done: int, left: float | None) -> None:
        now = ", ".join(step.title for step in running)
        self.bar.update(self.task, completed=done, left=time_left(left), now=now)


@contextmanager
def progress(total: int, console: Console | None = None) -> Iterator[Lines]:
    console = console or Console()
    if not console.is_terminal:
        yield Lines(total)
        return
    texts = [TextColumn(text) for text in COLUMNS]
    with Progress(BarColumn(30), MofNCompleteColumn(), TimeElapsedColumn(), *texts, console=console) as bar:
        yield Bar(total, bar)


def time_left(seconds: float | None) -> str:
    """'about 9 min left'; 'estimating the time left' where it is None."""
    if seconds is None:
        return "estimating the time left"
    return f"about {seconds / 60:.0f} min left" if seconds >= 90 else f"about {seconds:.0f} s left"
