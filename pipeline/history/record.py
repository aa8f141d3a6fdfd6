"""A cell's numbers, and the publications in which they were current."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from pipeline.results.outcomes import Better
from pipeline.results.protocol import Protocol


class Origin(NamedTuple):
    """A publication. `time`: ms since 1970, UTC; `commit` and `lock`: of the code, and the hash of dvc.lock."""

    time: int
    commit: str
    lock: str

    @property
    def key(self) -> tuple[str, str]:
        """Equal for the runs of one publication, which are written one after another."""
        return self.commit, self.lock


class Turn(NamedTuple):
    """The publication that made a cell's run current, or history."""

    origin: Origin
    current: bool


class Number(NamedTuple):
    value: float
    better: Better
    protocol: Protocol


@dataclass(frozen=True)
class Record:
    """One measured cell. `numbers`: by metric; `turns`: from its first publication on, in the order of time."""

    task: str
    model: str
    family: str
    seed: int
    status: str
    numbers: Mapping[str, Number]
    params: Mapping[str, str]
    turns: tuple[Turn, ...]
