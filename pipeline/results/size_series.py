"""Sizes of one model: which models of params.yaml are another one with a share of its width, or of its training steps.

A model <model>_half differs from <model> by its width alone, a model <model>_steps_50 by its number of steps alone; the
learning rate decays over the steps that each of them has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Literal, NamedTuple

from pipeline.results.table import BUDGETS, NARROW, base

Size = Literal["steps", "width"]
SIZES: Mapping[Size, tuple[str, ...]] = {
    "steps": (*BUDGETS[:2], "", *BUDGETS[2:]),
    "width": (*reversed(NARROW), ""),
}
"""What differs -> the endings of the models' names, from small to large; that of <model> is empty."""


class SizeSeries(NamedTuple):
    """The models of one series, from small to large."""

    model: str
    size: Size
    models: tuple[str, ...]


def series(known: Collection[str]) -> Iterator[SizeSeries]:
    """Each model and what differs, with two or more models that are `known`."""
    for model in dict.fromkeys(map(base, known)):
        for size, endings in SIZES.items():
            found = tuple(name for name in (f"{model}{ending}" for ending in endings) if name in known)
            if len(found) > 1:
                yield SizeSeries(model, size, found)
