"""A law: one promise of the contract, in words, and a function that finds out whether it is kept."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch

Subject = TypeVar("Subject")
TORCH = Path(torch.__file__).parent


class BrokenLawError(Exception):
    """What is wrong, in words for the author of what was checked."""


@dataclass(frozen=True)
class Law(Generic[Subject]):
    """`check` raises `BrokenLawError`; `concerns` says whether the law speaks of a subject at all."""

    check: Callable[[Subject], None]
    concerns: Callable[[Subject], bool]

    @property
    def name(self) -> str:
        return self.check.__name__

    @property
    def words(self) -> str:
        """The law itself: the first line of the docstring."""
        return (self.check.__doc__ or "").strip().partition("\n")[0]


def law(concerns: Callable[[Any], bool] = lambda _: True) -> Callable[[Callable[[Subject], None]], Law[Subject]]:
    """Make a law of the function below."""
    return lambda check: Law(check, concerns)


def require(kept: object, wrong: str) -> None:
    """Raises `BrokenLawError` unless `kept`."""
    if not kept:
        raise BrokenLawError(wrong)


def describe(error: Exception) -> str:
    """One line: the words of a broken law; of any other exception its type, its message and where it was raised.

    Frames within torch are left out.
    """
    if isinstance(error, BrokenLawError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    frame = [frame for frame in frames if not Path(frame.filename).is_relative_to(TORCH)][-1]  # the first is ours
    return " ".join(f"{type(error).__name__}: {error} ({Path(frame.filename).name}:{frame.lineno})".split())
