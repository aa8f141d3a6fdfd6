"""What goes wrong because of what the user gave: one line that names the thing, what is allowed and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Bad input. The command prints the message, one line, and exits with code 2."""


def suggest(word: str, allowed: Iterable[str]) -> str:
    """'allowed: a, b, c; did you mean b?'"""
    words = sorted(str(a) for a in allowed)
    near = difflib.get_close_matches(str(word), words, n=1, cutoff=0.5)
    return f"allowed: {', '.join(words) or 'none'}" + (f"; did you mean {near[0]}?" if near else "")
