"""Shared by all tests: groups of tests that run in one worker, and process-wide state that is reset after each test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadScopeScheduling

GROUPS = (
    "docs", "examples", "test_end_to_end.py", "test_damaged_files.py", "test_closure.py", "report/test_page_browser.py",
    "tracking", "run", "score", "metrics/test_extractors.py", "metrics/test_inception.py",
)  # fmt: skip
"""Folders and files whose tests share an expensive fixture, the longest first: one worker runs each."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the groups first: one that starts late would keep a single worker busy at the end."""
    order = {name: place for place, name in enumerate(GROUPS)}
    items.sort(key=lambda item: order.get(_group(item.nodeid), len(GROUPS)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """The tests of a group go to one worker, in the order above, and each other test to the first that is free.

    WHY not `--dist loadgroup`: pytest-xdist 3.8 ignores groups under pytest 9.2 (pytest-xdist issue 1386).
    """
    from xdist.scheduler import LoadScopeScheduling

    class GroupScheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _group(nodeid) or nodeid

    config.option.loadscopereorder = False
    return GroupScheduling(config, log)


def _group(nodeid: str) -> str:
    path = PurePosixPath(nodeid.partition("::")[0])
    return next((name for name in GROUPS if path.is_relative_to(f"tests/{name}")), "")


@pytest.fixture(autouse=True)
def _ieee_arithmetic() -> Iterator[None]:
    """`reproducible.seed` flushes denormals to zero, which hypothesis refuses to test with."""
    yield
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_flush_denormal(False)
