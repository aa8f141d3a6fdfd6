"""Ctrl-C and SIGTERM end a run between two steps, so that no record is half written; a second one ends it at once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import FrameType

EXIT = 130
"""128 + SIGINT, as a shell reports it; of SIGTERM too, which means the same to a run."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """False until the first signal."""

    def __init__(self) -> None:
        self.came = False

    def __bool__(self) -> bool:
        return self.came

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.came:
            raise KeyboardInterrupt
        self.came = True


@contextmanager
def interrupts() -> Iterator[Interrupt]:
    """Within the block a signal sets the flag that it yields."""
    interrupt = Interrupt()
    before = {number: signal.signal(number, interrupt) for number in SIGNALS}
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def shielded() -> Iterator[None]:
    """A process that is started within the block ignores Ctrl-C: its driver ends it by SIGTERM."""
    resource_tracker.ensure_running()  # WHY: it unblocks SIGINT when `multiprocessing` starts it on the way
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
