"""Helpers: what an inspection found."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.conformance.inspection import Verdict


def failures(verdicts: Iterable[Verdict]) -> set[str]:
    """The messages of the laws that failed."""
    return {verdict.message for verdict in verdicts if verdict.outcome == "failed"}


def reports(message: str, verdicts: Iterable[Verdict]) -> bool:
    """Whether a failure's message contains `message`."""
    return any(message in found for found in failures(verdicts))
