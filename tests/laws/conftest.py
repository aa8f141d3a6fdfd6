"""Each test starts from the same seed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # what the tests of the laws share

from pipeline.training import reproducible


@pytest.fixture(autouse=True)
def _seeded() -> None:
    reproducible.seed(0)
