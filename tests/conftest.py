"""Shared by all tests: groups of tests that run in one worker, and process-wide state that is reset after each test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

GROUPS = (
    "docs", "examples", "test_end_to_end.py", "test_damaged_files.py", "test_closure.py", "report/test_page_browser.py",
    "tracking", "run", "score", "metrics/test_extractors.py", "metrics/test_inception.py",
)  # fmt: skip
"""Folders and files whose tests share an expensive fixture, the longest first: pytest-xdist runs each in one worker."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the groups, and run them first: one that starts late would keep a single worker busy at the end."""
    folder, order = Path(__file__).parent, {name: place for place, name in enumerate(GROUPS)}
    groups = {item: _group(item.path.relative_to(folder)) for item in items}
    for item, group in groups.items():
        if group:
            item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: order.get(groups[item], len(GROUPS)))


def _group(path: Path) -> str:
    return next((name for name in GROUPS if path.is_relative_to(name)), "")


@pytest.fixture(autouse=True)
def _ieee_arithmetic() -> Iterator[None]:
    """`reproducible.seed` flushes denormals to zero, which hypothesis refuses to test with."""
    yield
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_flush_denormal(False)
