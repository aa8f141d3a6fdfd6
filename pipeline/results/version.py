"""The version of each metric's meaning. To be raised when the same words begin to name another number.

A version is declared, not a hash of code: a changed comment, or a faster way to the same number, breaks no history.
What a protocol says in words already (counts, draws, neighbours, the extractor's weights) needs no new version.
"""

from __future__ import annotations

from collections.abc import Mapping

FIRST = 1

VERSIONS: Mapping[str, int] = {}
"""Metric -> version, of those that are no longer what they were at first."""


def version(metric: str) -> int:
    return VERSIONS.get(metric, FIRST)
