"""What all tests share; and what one sets for the whole process is taken back."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _ieee_arithmetic() -> Iterator[None]:
    """`reproducible.seed` flushes denormals to zero, which hypothesis rightly refuses to test with."""
    yield
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_flush_denormal(False)
