"""A law: a statement about the contract, and a function that checks it."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch

Subject = TypeVar("Subject")
TORCH = Path(torch.__file__).parent


class LawError(Exception):
    """A law does not hold; the message says why, for the author of the code under test."""


@dataclass(frozen=True)
class Law(Generic[Subject]):
    """A statement about a subject.

    Args:
        check: raises `LawError` where the law does not hold; may return a note on how it was checked.
        applies: whether the law says anything about a subject. It builds the model at most, so that it is cheap.
    """

    check: Callable[[Subject], str | None]
    applies: Callable[[Subject], bool]

    @property
    def name(self) -> str:
        return self.check.__name__

    @property
    def statement(self) -> str:
        """The first line of the docstring of `check`."""
        return (self.check.__doc__ or "").strip().partition("\n")[0]


def law(applies: Callable[[Any], bool] = lambda _: True) -> Callable[[Callable[[Subject], str | None]], Law[Subject]]:
    """Decorator: make a law of a function."""
    return lambda check: Law(check, applies)


def require(condition: object, message: str) -> None:
    """Raise `LawError` with the message unless the condition is true."""
    if not condition:
        raise LawError(message)


def describe(error: Exception) -> str:
    """One line: the message of a `LawError`; of any other exception its type, its message and where it was raised.

    Frames within torch are skipped.
    """
    if isinstance(error, LawError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    frame = [frame for frame in frames if not Path(frame.filename).is_relative_to(TORCH)][-1]  # the first is ours
    return " ".join(f"{type(error).__name__}: {error} ({Path(frame.filename).name}:{frame.lineno})".split())
