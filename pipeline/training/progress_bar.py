"""The progress of a training and the time that is left: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

LINES = 10
"""Plain lines in one training."""


class StepLines:
    """Prints a line after each tenth of the steps."""

    def __init__(self, title: str, steps: int) -> None:
        self.title, self.steps, self.start, self.last = title, steps, time.monotonic(), 0

    def update(self, step: int, values: Mapping[str, float]) -> None:
        """Show that `step` steps are done, with the last values of the training curve."""
        if step - self.last < self.steps / LINES and step != self.steps:
            return
        self.last = step
        left = (time.monotonic() - self.start) / step * (self.steps - step)
        print(f"{self.title}  step {step}/{self.steps}  {_text(values)}  about {left:.0f} s left", flush=True)


class StepBar(StepLines):
    """Updates a bar."""

    def __init__(self, title: str, steps: int, bar: Progress) -> None:
        super().__init__(title, steps)
        self.bar, self.task = bar, bar.add_task(title, total=steps, values="")

    def update(self, step: int, values: Mapping[str, float]) -> None:
        self.bar.update(self.task, completed=step, values=_text(values))


@contextmanager
def step_progress(title: str, steps: int) -> Iterator[StepLines]:
    console = Console()
    if not console.is_terminal:
        yield StepLines(title, steps)
        return
    columns = ("[progress.description]{task.description}", "{task.fields[values]}")
    texts = [TextColumn(c) for c in columns]
    with Progress(texts[0], BarColumn(), TimeElapsedColumn(), TimeRemainingColumn(), texts[1], console=console) as bar:
        yield StepBar(title, steps, bar)


def _text(values: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in values.items())
