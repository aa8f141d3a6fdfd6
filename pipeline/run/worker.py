"""One step in a process of its own: whatever happens to it, the run goes on.

Cells are forked from a server that has the heavy libraries loaded: importing torch and its compiler's front end takes
seconds, a fork a few milliseconds. The child runs the step's own command, word for word, so that its bytes are those
of `dvc repro`; everything that it prints, down to a crash in C, goes to its log.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pkgutil
import signal
import threading
import time
from collections.abc import Mapping
from multiprocessing import connection, forkserver
from multiprocessing.context import ForkServerProcess, SpawnProcess
from pathlib import Path

import psutil

from pipeline.run.interrupt import shielded
from pipeline.run.step import Step

COMMAND = "pipeline.cli:main"
LIGHT = frozenset({"plan", "report"})  # need none of the libraries below: a plain process starts sooner

PRELOAD = [
    "pipeline.cli", "pipeline.params", "rich.progress", "safetensors.torch", "scipy.spatial", "scipy.stats", "torch",
    "torch._dynamo",  # the first step of an optimiser imports it
]  # fmt: skip

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
"""Cells share the cores by process: two cells of one thread do 1.6 times the work of one cell of two threads."""

GRACE = 5.0
"""Seconds between asking a cell to end and killing it."""
LONGEST = 200
"""Characters of a line of a log that are shown."""


def warm_up() -> None:
    """Start the server; it loads the libraries while the caller goes on."""
    os.environ.update(ONE_THREAD)
    multiprocessing.get_context("forkserver").set_forkserver_preload(PRELOAD)
    with shielded():
        forkserver.ensure_running()


class Worker:
    """A step that runs.

    Args:
        folder: where its command runs; the current folder by default.
        environment: variables that its command gets besides those of this process.
    """

    def __init__(self, step: Step, folder: Path | None = None, environment: Mapping[str, str] | None = None) -> None:
        self.step, self.start = step, time.monotonic()
        folder = folder or Path.cwd()
        self.log = folder / step.log
        kind = SpawnProcess if step.stage in LIGHT else ForkServerProcess
        args = (COMMAND, step.words, self.log, folder, dict(environment or {}))
        self._process = kind(target=_work, args=args, daemon=True)
        with shielded():
            self._process.start()
        self.sentinel = self._process.sentinel

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.start

    def memory(self) -> int:
        """Bytes of main memory that the process has now."""
        try:
            return int(psutil.Process(self._process.pid).memory_info().rss)
        except psutil.Error:
            return 0

    def wait(self, timeout: float) -> bool:
        """Whether it ended; waits for it up to `timeout` seconds."""
        return bool(connection.wait([self.sentinel], timeout))

    def end(self) -> str:
        """Wait for the end: why it failed, or nothing."""
        self._process.join()
        return _why(self._process.exitcode or 0, self.log)

    def terminate(self) -> None:
        """Ask the step to end."""
        self._process.terminate()

    def stop(self) -> None:
        """End the step: it is killed where it does not end within `GRACE`."""
        self.terminate()
        self._process.join(GRACE)
        self._process.kill()
        self._process.join()


def _work(command: str, words: tuple[str, ...], log: Path, folder: Path, environment: Mapping[str, str]) -> None:
    threading.Thread(target=_follow_driver, daemon=True).start()
    os.environ.update(environment)
    os.chdir(folder)
    log.parent.mkdir(parents=True, exist_ok=True)
    _redirect(log)
    pkgutil.resolve_name(command)(list(words))


def _follow_driver() -> None:
    """End when the driver was killed, or the next run and this cell would write the same files."""
    driver = multiprocessing.parent_process()
    if driver is not None:
        connection.wait([driver.sentinel])
        os._exit(1)


def _redirect(log: Path) -> None:
    """At the level of file descriptors, so that libraries in C are heard too."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    for stream in (1, 2):
        os.dup2(file, stream)
    os.close(file)


def _why(code: int, log: Path) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}: {''.join(last_lines(log, 1)).strip()}".rstrip(": ") if code else ""


def last_lines(log: Path, count: int) -> list[str]:
    """The last lines of a log that are not blank, each cut to `LONGEST` characters; none where it cannot be read."""
    with contextlib.suppress(OSError):
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
        return [line.rstrip()[:LONGEST] for line in lines if line.strip()][-count:]
    return []
