import pytest

from pipeline.training import reproducible


@pytest.fixture(autouse=True)
def _seeded() -> None:
    reproducible.seed(0)
