import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # toys.py, which every test of the families shares

from pipeline.training import reproducible


@pytest.fixture(autouse=True)
def _seeded() -> None:
    reproducible.seed(0)
