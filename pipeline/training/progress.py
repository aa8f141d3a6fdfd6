"""How far training is, and how long it will take: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

LINES = 10  # plain lines in one training


class Ticker:
    """Told of each step and of each new set of numbers."""

    def __init__(self, title: str, steps: int) -> None:
        self.title, self.steps, self.start, self.last = title, steps, time.monotonic(), 0

    def step(self, number: int, numbers: Mapping[str, float]) -> None:
        if number - self.last < self.steps / LINES and number != self.steps:
            return
        self.last = number
        spent = time.monotonic() - self.start
        left = spent / number * (self.steps - number)
        print(f"{self.title}  step {number}/{self.steps}  {_words(numbers)}  about {left:.0f} s left", flush=True)


class BarTicker(Ticker):
    def __init__(self, title: str, steps: int, bar: Progress) -> None:
        super().__init__(title, steps)
        self.bar, self.task = bar, bar.add_task(title, total=steps, numbers="")

    def step(self, number: int, numbers: Mapping[str, float]) -> None:
        self.bar.update(self.task, completed=number, numbers=_words(numbers))


@contextmanager
def ticker(title: str, steps: int) -> Iterator[Ticker]:
    console = Console()
    if not console.is_terminal:
        yield Ticker(title, steps)
        return
    columns = ("[progress.description]{task.description}", "{task.fields[numbers]}")
    texts = [TextColumn(c) for c in columns]
    with Progress(texts[0], BarColumn(), TimeElapsedColumn(), TimeRemainingColumn(), texts[1], console=console) as bar:
        yield BarTicker(title, steps, bar)


def _words(numbers: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in numbers.items())
