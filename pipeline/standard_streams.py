"""Standard output and standard error of a command: any encoding, and streams that are closed or full."""

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
"""Replacements for characters that an encoding lacks; an accented letter loses its accent, any other becomes ?."""
NAME = "coverseek.transliterate"


class OutputError(BaseException):
    """Standard output cannot be written: its reader ended, or its device is full.

    A `BaseException`, so that handlers of `Exception` do not catch it.
    """

    def __init__(self, cause: OSError) -> None:
        super().__init__(cause.strerror or str(cause))
        self.closed = isinstance(cause, BrokenPipeError)
        """True if the reader ended, as `head -1` does."""


@contextmanager
def prepared() -> Iterator[None]:
    """Context: no character raises, a closed stream discards its output, and one that cannot be written raises.

    Raises:
        OutputError: standard output cannot be written.
    """
    codecs.register_error(NAME, _transliterate)
    before = sys.stdout, sys.stderr
    _open_standard_descriptors()
    sys.stdout, sys.stderr = sys.stdout or _null(), sys.stderr or _null()
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
    """Print a line to standard error, if it can be written."""
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        _discard(sys.stderr)


class _Output:
    """A stream that raises `OutputError`, since typer and rich catch a BrokenPipeError and exit with 1."""

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


def _open_standard_descriptors() -> None:
    """Open those of 0, 1 and 2 that are closed, so that no file gets such a number and what C code prints."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)


def _null() -> TextIO:
    """A stream that discards its output; open until the process ends."""
    return open(os.devnull, "w", encoding="utf-8")


def _discard(stream: TextIO) -> None:
    """Redirect the stream to /dev/null, so that Python does not fail to flush it at exit."""
    try:
        number = stream.fileno()
    except (OSError, ValueError):
        return  # it has no file descriptor
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, number)
    os.close(null)


def _transliterate(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_ascii, error.object[error.start : error.end])), error.end


def _ascii(character: str) -> str:
    letters = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode("ascii")
    return ASCII.get(character) or letters or "?"
