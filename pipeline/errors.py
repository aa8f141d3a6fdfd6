"""What goes wrong because of what the user gave: one line that names the thing, what is allowed and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Bad input. The command prints the message, one line, and exits with code 2."""


LONGEST = 80
"""Characters of a value that a message quotes."""


def excerpt(value: object) -> str:
    """The `repr` of a value that a user gave, on one line and not longer than a message can hold."""
    text = repr(value[: 2 * LONGEST] if isinstance(value, str | bytes) else value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def suggest(word: str, allowed: Iterable[str]) -> str:
    """'allowed: a, b, c; did you mean b?'"""
    words = sorted(str(a) for a in allowed)
    near = difflib.get_close_matches(str(word)[:LONGEST], words, n=1, cutoff=0.5)
    return f"allowed: {', '.join(words) or 'none'}" + (f"; did you mean {near[0]}?" if near else "")
