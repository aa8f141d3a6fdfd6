"""The progress of a training, its speed and the time that is left: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from pipeline import device as devices

LINES = 10
"""Plain lines in one training."""


class StepLines:
    """Prints a line after each tenth of the steps.

    Args:
        title: begins each line.
        steps: of the whole training.
        device: whose memory the lines name, where it is CUDA.
    """

    def __init__(self, title: str, steps: int, device: torch.device) -> None:
        self.title, self.steps, self.device = title, steps, device
        self.first, self.start, self.last = 0, time.monotonic(), 0

    def resume(self, step: int) -> None:
        """The training goes on after `step` steps of another process."""
        self.first = self.last = step
        self.start = time.monotonic()
        print(f"{self.title}  goes on from step {step}", flush=True)

    def update(self, step: int, values: Mapping[str, float]) -> None:
        """Show that `step` steps are done, with the last values of the training curve."""
        if step - self.last < self.steps / LINES and step != self.steps:
            return
        self.last = step
        rate = (step - self.first) / max(time.monotonic() - self.start, 1e-9)
        left = (self.steps - step) / rate
        speed = f"{rate:.3g} steps/s{_memory(self.device)}"
        print(f"{self.title}  step {step}/{self.steps}  {_text(values)}  {speed}  about {left:.0f} s left", flush=True)


class StepBar(StepLines):
    """Updates a bar."""

    def __init__(self, title: str, steps: int, device: torch.device, bar: Progress) -> None:
        super().__init__(title, steps, device)
        self.bar, self.task = bar, bar.add_task(title, total=steps, values="", speed="")

    def update(self, step: int, values: Mapping[str, float]) -> None:
        rate = (step - self.first) / max(time.monotonic() - self.start, 1e-9)
        speed = f"{rate:.3g} steps/s{_memory(self.device)}"
        self.bar.update(self.task, completed=step, values=_text(values), speed=speed)


@contextmanager
def step_progress(title: str, steps: int, device: torch.device) -> Iterator[StepLines]:
    console = Console()
    if not console.is_terminal:
        yield StepLines(title, steps, device)
        return
    columns = ("[progress.description]{task.description}", "{task.fields[speed]}", "{task.fields[values]}")
    texts = [TextColumn(c) for c in columns]
    shown = (texts[0], BarColumn(), TimeElapsedColumn(), TimeRemainingColumn(), *texts[1:])
    with Progress(*shown, console=console) as bar:
        yield StepBar(title, steps, device, bar)


def _memory(device: torch.device) -> str:
    peak = devices.peak_memory(device)
    return "" if peak is None else f", {peak / 2**30:.1f} GiB"


def _text(values: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in values.items())
