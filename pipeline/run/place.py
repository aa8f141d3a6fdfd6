"""Where the commands of steps run: the interface that the schedule uses, the same for every place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pipeline.run.step import Step


@dataclass(frozen=True)
class Work:
    """A step that is to run, with all that a place may know of it.

    Attributes:
        reads: path -> md5 of the outputs that the steps before it made, as DVC names them; of a folder with `.dir`.
        writes: the paths of its outputs.
    """

    step: Step
    reads: Mapping[str, str] = field(default_factory=dict)
    writes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ended:
    """A step whose command has ended; its outputs and its log are in the work tree.

    Attributes:
        name: of the step.
        seconds: that it took, measured where it ran.
        why: one line that says why it failed; empty where it succeeded.
    """

    name: str
    seconds: float
    why: str = ""


class Place(Protocol):
    """Runs steps, several at a time."""

    @property
    def jobs(self) -> int:
        """Steps that run at the same time, for the forecast."""

    def check(self, steps: Iterable[Step]) -> None:
        """Called before the first step starts; raises `UserError` where the place cannot run one of `steps`."""

    def room(self) -> int:
        """How many more steps can be started now."""

    def start(self, work: Work) -> None:
        """Start a step. It may wait at the place until it runs."""

    def running(self) -> Mapping[str, float]:
        """Name -> seconds since the start, of the steps that were started and have not been returned by `wait`."""

    def wait(self, timeout: float) -> list[Ended]:
        """The steps that ended, each once; waits up to `timeout` seconds for the first of them."""

    def stop(self) -> None:
        """End what runs, and release the place."""
