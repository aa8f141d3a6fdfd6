"""How much the page shows of the suites outside the default run, and what it gives up first to stay within its limit.

Whatever is left away on the page is in the files beside it. Tables and numbers are never left away.
"""

from __future__ import annotations

from typing import NamedTuple

LIMIT = 2_000_000
"""Bytes of the page at most."""


class Scope(NamedTuple):
    """`live`: suites whose charts answer a pointer; the others: what is shown outside the default run."""

    live: frozenset[bool] = frozenset({True, False})
    """Of the default run (True), and of the other suites (False)."""
    curves: bool = True
    costs: bool = True
    pictures: bool = True


SCOPES = (
    Scope(),
    Scope(live=frozenset({True})),
    Scope(live=frozenset({True}), curves=False),
    Scope(live=frozenset({True}), curves=False, costs=False),
    Scope(live=frozenset({True}), curves=False, costs=False, pictures=False),
    Scope(live=frozenset(), curves=False, costs=False, pictures=False),
)
"""In order: interactive charts, training curves, costs and pictures of the other suites, then the default run's
interactive charts, which need the embedded library."""
