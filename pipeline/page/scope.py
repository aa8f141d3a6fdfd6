"""How much the page shows of the suites outside the default run, and what it gives up first to stay within its limit.

Whatever is left away on the page is in the files beside it. Tables and numbers are never left away.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

LIMIT = 2_000_000
"""Bytes of the page at most."""


GIVEN_UP: tuple[dict[str, Any], ...] = (
    {"live": "default"},
    {"curves": False},
    {"costs": False},
    {"controls": False},
    {"pictures": False},
    {"live": "none"},
)


class Scope(NamedTuple):
    """What is shown outside the default run, all of which is shown unless nothing else is left to give up."""

    live: Literal["all", "default", "none"] = "all"
    """Whose charts answer a pointer: that takes their specifications, and the embedded library."""
    curves: bool = True
    costs: bool = True
    controls: bool = True
    """The pictures of the controls."""
    pictures: bool = True

    def lively(self, default: bool) -> bool:
        return self.live == "all" or (self.live == "default" and default)


def scopes() -> Iterator[Scope]:
    """From all to least. In order: interactive charts, training curves, costs and pictures of controls of the other
    suites, then those of their models; at last the default run's interactive charts, with the library."""
    scope = Scope()
    yield scope
    for less in GIVEN_UP:
        yield (scope := scope._replace(**less))
