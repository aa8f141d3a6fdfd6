"""One node of the graph in dvc.yaml, and what became of it in this run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline import paths

Outcome = Literal["unchanged", "restored", "ran", "failed", "skipped"]


class StepError(Exception):
    """One step cannot go on; the others can. The message is one line."""


@dataclass(frozen=True)
class Step:
    name: str
    """DVC's: train@ring-vae-0."""
    words: tuple[str, ...]
    """What follows `coverseek` in its command: train --task ring --model vae --seed 0."""
    after: frozenset[str]
    """The names of the steps whose outputs it reads."""

    @property
    def stage(self) -> str:
        return self.words[0]

    @property
    def key(self) -> str:
        """ring-vae-0 of a cell, ring of a task, nothing of a step that there is once."""
        return self.name.partition("@")[2]

    @property
    def title(self) -> str:
        return f"{self.stage} {self.key}".rstrip()

    @property
    def tolerant(self) -> bool:
        """The report shows what there is, whatever failed before it."""
        return self.stage == "report"

    @property
    def log(self) -> Path:
        return paths.log(self.stage, self.key or "all")


@dataclass(frozen=True)
class Result:
    outcome: Outcome
    seconds: float = 0.0
    reason: str = ""

    @property
    def bad(self) -> bool:
        return self.outcome in ("failed", "skipped")
