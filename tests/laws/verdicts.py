"""What an inspection found."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.laws.inspection import Verdict


def broken(verdicts: Iterable[Verdict]) -> set[str]:
    """What is wrong, in words."""
    return {verdict.words for verdict in verdicts if verdict.outcome == "broken"}


def told(words: str, verdicts: Iterable[Verdict]) -> bool:
    return any(words in said for said in broken(verdicts))
