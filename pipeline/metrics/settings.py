"""The counts that a number depends on, as the evaluation block of params.yaml has them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """How many of everything a number is made from."""

    samples: int
    draws: int
    chunk: int
    neighbours: int
    coverage_neighbours: int
    conditions: int
    repeats: int
    modes: int | None = None
