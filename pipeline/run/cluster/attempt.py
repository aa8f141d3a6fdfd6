"""Whether a cell that was started on a cluster runs again: what was lost with its node does, what failed does not."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

from pipeline.run.cluster.remote_call import Answer
from pipeline.run.place import Work


@dataclass(frozen=True)
class Attempt:
    """A cell that was started.

    Attributes:
        start: of its first attempt, on the clock of `time.monotonic`.
        lost: attempts before this one that ended with their node.
        alone: whether it has a node for itself.
        because: why it was started again; empty for the first attempt.
    """

    work: Work
    start: float = field(default_factory=time.monotonic)
    lost: int = 0
    alone: bool = False
    because: str = ""

    def after(self, answer: Answer, retries: int) -> Attempt | str:
        """What follows from the answer of a node.

        Args:
            retries: how often a cell that was lost runs again.

        Returns:
            The attempt to start next, or why the cell failed: empty where it succeeded.
        """
        if answer.refused:
            return replace(self, because="")
        if answer.lost:
            if self.lost == retries:
                return f"its node was lost {self.lost + 1} times ({answer.lost})"
            return replace(self, lost=self.lost + 1, because=f"lost its node ({answer.lost}): it runs again")
        if answer.killed:
            peak = f"{answer.peak / (1 << 30):.2f} GiB of memory"
            if self.alone:
                return f"{answer.why} alone on a node, with {peak}"
            return replace(self, alone=True, because=f"was {answer.why} with {peak}: it runs again, alone on a node")
        return answer.why
