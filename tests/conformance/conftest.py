"""Each test starts from the same seed."""

from __future__ import annotations

import pytest

from pipeline.training import reproducible


@pytest.fixture(autouse=True)
def _seeded() -> None:
    reproducible.seed(0)
