"""Standard output and standard error of a command: any encoding, and outputs that are closed or full."""

from __future__ import annotations

import codecs
import io
import os
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

ASCII = {
    "±": "+-", "≤": "<=", "≥": ">=", "≈": "~", "≠": "!=", "×": "x", "·": "*", "−": "-", "–": "-", "—": "-", "‖": "||",
    "→": "->", "←": "<-", "↑": "^", "↓": "v", "…": "...", "‘": "'", "’": "'", "“": '"', "”": '"', "√": "sqrt",
    "∞": "inf", "σ": "sigma", "μ": "mu", "α": "alpha", "β": "beta", "π": "pi", "ß": "ss", "│": "|", "─": "-", "━": "-",
}  # fmt: skip
"""What replaces a character in an encoding that lacks it; an accented letter loses its accent, any other becomes ?."""
NAME = "coverseek.transliterate"


class OutputError(BaseException):
    """Standard output cannot be written: its reader ended, or its device is full.

    It is no `Exception`, so that no handler of those takes it for a fault of what it handles.
    """

    def __init__(self, cause: OSError) -> None:
        super().__init__(cause.strerror or str(cause))
        self.closed = isinstance(cause, BrokenPipeError)
        """Whether the reader ended, as `head -1` does."""


@contextmanager
def prepared() -> Iterator[None]:
    """Within the block no character raises, a closed stream discards what is written, and a broken one raises.

    Raises:
        OutputError: standard output cannot be written.
    """
    codecs.register_error(NAME, _transliterated)
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _opened(sys.stdout, 1), _opened(sys.stderr, 2)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=NAME)
    inner = sys.stdout
    sys.stdout = cast(TextIO, _Output(inner))
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OutputError:
        _discard(inner)
        raise
    finally:
        sys.stdout, sys.stderr = before


def say(line: str) -> None:
    """Print a line to standard error; where that cannot be written, the exit code has to do."""
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        _discard(sys.stderr)


class _Output:
    """A stream whose faults are `OutputError`: typer and rich catch a BrokenPipeError, and exit with 1."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            raise OutputError(error) from None

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            raise OutputError(error) from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _opened(stream: TextIO | None, number: int) -> TextIO:
    """The stream; of one that was closed when Python started, which then is None, one that discards.

    Its file descriptor is taken, so that no file that is opened later gets the number and what is written to it.
    """
    if stream is not None:
        return stream
    while (taken := os.open(os.devnull, os.O_RDWR)) < number:
        pass
    if taken > number:
        os.close(taken)
    return open(os.devnull, "w", encoding="utf-8")


def _discard(stream: TextIO) -> None:
    """What the stream still buffers goes nowhere, lest Python fail to write it when it exits."""
    try:
        number = stream.fileno()
    except (OSError, ValueError):
        return  # it has no file descriptor
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, number)
    os.close(null)


def _transliterated(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_ascii, error.object[error.start : error.end])), error.end


def _ascii(character: str) -> str:
    letters = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode("ascii")
    return ASCII.get(character) or letters or "?"
