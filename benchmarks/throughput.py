"""Rates of training, sampling and likelihoods: calls per second of each, as medians over repetitions.

A call is timed until the device has finished it (`pipeline.device.synchronize`). The first call is a warm-up: CUDA
loads its kernels and cuDNN chooses its algorithms there. On one thread of the CPU seconds are the processor's, so that
what else the machine does is not in them; elsewhere, where implementations are compared, they run in turns, so that it
hits all of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pipeline import device as devices
from pipeline import hardware
from pipeline.contract import Batch, Bounded, Exact, GenerativeModel, Weighted

REPETITIONS = 5
LEAST = 9
"""Characters of a column of numbers."""
Call = Callable[[], object]
OPERATIONS = ("steps", "samples", "likelihoods")


@dataclass(frozen=True)
class Implementation:
    """A model with what is timed of it.

    Args:
        modules: its networks, which are in training mode for `step` and in evaluation mode for the others.
        batch: items of each call.
        step: one round of training: every step of every player.
        sample: draws `batch` samples.
        likelihood: of `batch` items; None if the model has none.
        kind: of the likelihood.
    """

    modules: tuple[nn.Module, ...]
    batch: int
    step: Call
    sample: Call
    likelihood: Call | None = None
    kind: str = "—"

    @property
    def parameters(self) -> int:
        """Distinct parameters of all networks."""
        found = {id(p): p.numel() for module in self.modules for p in module.parameters()}
        return sum(found.values())

    def call(self, operation: str) -> Call | None:
        """The call of one of `OPERATIONS`, its networks in the mode that it needs."""
        for module in self.modules:
            module.train(operation == "steps")
        return {"steps": self.step, "samples": self.sample, "likelihoods": self.likelihood}[operation]

    def scale(self, operation: str) -> int:
        """What one call counts as: a step, or a batch of items."""
        return 1 if operation == "steps" else self.batch


def ours(model: GenerativeModel, batch: Batch, step: Call) -> Implementation:
    """A model of this package: `sample` under c, and the tightest kind of likelihood that it has."""
    x, c = batch
    found = likelihood(model, x, c)
    call, kind = found or (None, "—")
    return Implementation((model,), len(x), step, lambda: model.sample(c), call, kind)


def likelihood(model: GenerativeModel, x: Tensor, c: Tensor) -> tuple[Call, str] | None:
    """A call that computes the likelihood of x, and its kind; None if the model has none."""
    if not isinstance(model, Bounded):
        return None
    function, kind = model.elbo, "elbo"
    if isinstance(model, Exact):
        function, kind = model.log_prob, "exact"
    elif isinstance(model, Weighted):
        function, kind = model.log_weight, "log w"
    return torch.no_grad()(lambda: function(x, c)), kind


def rates(calls: Sequence[Call], device: torch.device, seconds: float) -> list[list[float]]:
    """Calls per second of each of `calls`, by repetition; the calls run in turns.

    Args:
        calls: each is called once before it is timed.
        device: is waited for at the end of each repetition.
        seconds: of all repetitions of one call together; a call that takes longer than that is timed once.
    """
    for call in calls:
        call()
    alone = [clock(call, 1, device) for call in calls]
    if max(alone) > seconds:
        return [[1 / elapsed] for elapsed in alone]
    counts = [max(1, int(seconds / REPETITIONS / elapsed)) for elapsed in alone]
    rounds = [
        [count / clock(call, count, device) for call, count in zip(calls, counts, strict=True)]
        for _ in range(REPETITIONS)
    ]
    return [list(side) for side in zip(*rounds, strict=True)]


def clock(call: Call, count: int, device: torch.device) -> float:
    """Seconds of `count` calls: the processor's on one thread of the CPU, else those of the wall clock."""
    now = time.process_time if device.type == "cpu" and torch.get_num_threads() == 1 else time.perf_counter
    devices.synchronize(device)
    start = now()
    for _ in range(count):
        call()
    devices.synchronize(device)
    return now() - start


def heading(found: Sequence[torch.device]) -> str:
    """torch's version, and what the devices call themselves."""
    names = [f"{device.type}: {devices.name(device) or hardware.describe()['processor']}" for device in found]
    return f"torch {torch.__version__}, CPU on {torch.get_num_threads()} thread(s); {'; '.join(names)}"


def short(rate: float) -> str:
    """A rate with three digits."""
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"


class Table:
    """Rows that are printed as they come, as aligned text or as Markdown; `lines` has all of them.

    Args:
        columns: titles.
        markdown: whether rows are Markdown.
        widths: of the first columns; others are as wide as their title, or `LEAST`.
        left: so many columns are aligned to the left, the others to the right.
    """

    def __init__(self, columns: Sequence[str], markdown: bool, widths: Sequence[int], left: int) -> None:
        self.markdown, self.left, self.lines = markdown, left, list[str]()
        self.widths = [*widths, *(max(LEAST, len(title)) for title in columns[len(widths) :])]
        self.row(columns)
        if markdown:
            self.line("|" + "|".join("---" if place < left else "---:" for place in range(len(columns))) + "|")

    def row(self, cells: Sequence[str]) -> None:
        """Add a row."""
        if self.markdown:
            self.line(f"| {' | '.join(cells)} |")
            return
        placed = zip(cells, self.widths, strict=True)
        self.line(" ".join(f"{c:<{w}}" if i < self.left else f"{c:>{w}}" for i, (c, w) in enumerate(placed)).rstrip())

    def line(self, text: str) -> None:
        """Add a line that is no row."""
        self.lines.append(text)
        print(text, flush=True)
